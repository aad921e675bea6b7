"""A small repository written commit by commit: the same calls give the same objects, byte for byte."""

import datetime
import pathlib
import shutil
import subprocess
import tempfile
import textwrap

PEOPLE = {
    "people": ("Kubestats samples", "samples@kubestats.invalid"),
    "bot": ("samples-bot", "samples-bot@kubestats.invalid"),
}


def text(content: str) -> str:
    """A file's text from an indented literal."""
    return textwrap.dedent(content).lstrip("\n")


class Repository:
    """A tree that changes and the stream for `git fast-import` that tells how."""

    def __init__(self, name: str, description: str, branch: str = "main"):
        self.name, self.description, self.branch = name, description, branch
        self.tree: dict[bytes, tuple[str, bytes]] = {}
        self.stream = bytearray()
        self.pending: list[bytes] = []
        self.last = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)
        self.commits = 0

    def write(self, path: str | bytes, content: str | bytes, mode: str = "100644") -> None:
        path = path.encode() if isinstance(path, str) else path
        content = content.encode() if isinstance(content, str) else content
        self.tree[path] = (mode, content)
        self.pending.append(b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), quoted(path), len(content), content))

    def link(self, path: str, target: str) -> None:
        self.write(path, target, mode="120000")

    def submodule(self, path: str, commit: str) -> None:
        self.tree[path.encode()] = ("160000", commit.encode())
        self.pending.append(b"M 160000 %s %s\n" % (commit.encode(), quoted(path.encode())))

    def read(self, path: str) -> str:
        return self.tree[path.encode()][1].decode()

    def replace(self, path: str, old: str, new: str) -> None:
        """Change a text in a file; a text that is not there is a mistake in the recipe."""
        before = self.read(path)
        assert old in before, f"{self.name}: {path} does not hold {old!r}"
        self.write(path, before.replace(old, new), self.tree[path.encode()][0])

    def delete(self, path: str) -> None:
        """Remove a file or a whole folder."""
        path = path.encode()
        gone = [p for p in self.tree if p == path or p.startswith(path + b"/")]
        assert gone, f"{self.name}: {path!r} is not there"
        for p in gone:
            del self.tree[p]
            self.pending.append(b"D %s\n" % quoted(p))

    def move(self, old: str, new: str) -> None:
        """Move a file or a whole folder."""
        a, b = old.encode(), new.encode()
        moved = [(p, b + p[len(a):]) for p in self.tree if p == a or p.startswith(a + b"/")]
        assert moved, f"{self.name}: {old} is not there"
        for source, target in moved:
            self.tree[target] = self.tree.pop(source)
            self.pending.append(b"R %s %s\n" % (quoted(source), quoted(target)))

    def commit(self, when: str, subject: str, body: str = "", by: str = "people") -> None:
        """Write what changed since the last commit. `when` is `2026-01-31 18:05`, in UTC."""
        moment = datetime.datetime.strptime(when, "%Y-%m-%d %H:%M").replace(tzinfo=datetime.timezone.utc)
        assert moment > self.last, f"{self.name}: {when} is not after {self.last}"
        assert self.pending, f"{self.name}: {subject!r} changes nothing"
        self.last = moment
        name, email = PEOPLE[by]
        message = (subject + ("\n\n" + text(body) if body else "\n")).encode()
        stamp = f"{name} <{email}> {int(moment.timestamp())} +0000".encode()
        self.stream += b"commit refs/heads/%s\nauthor %s\ncommitter %s\ndata %d\n%s" % (
            self.branch.encode(), stamp, stamp, len(message), message)
        for change in self.pending:
            self.stream += change
        self.pending = []
        self.commits += 1

    def pack(self, out: pathlib.Path) -> None:
        """Leave a bare repository in `out`: HEAD, config, description, packed-refs and one pack."""
        assert not self.pending, f"{self.name}: changes after the last commit"
        with tempfile.TemporaryDirectory() as folder:
            bare = pathlib.Path(folder) / "bare.git"
            git = lambda *arguments, **more: subprocess.run(
                ["git", "-C", str(bare), *arguments], check=True, capture_output=True, **more)
            subprocess.run(["git", "init", "-q", "--bare", "-b", self.branch, str(bare)], check=True)
            git("fast-import", "--quiet", "--force", input=bytes(self.stream))
            git("-c", "pack.threads=1", "repack", "-a", "-d", "-F", "-q", "--window=50", "--depth=50")
            git("pack-refs", "--all")
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            (out / "HEAD").write_text(f"ref: refs/heads/{self.branch}\n")
            (out / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n")
            (out / "description").write_text(self.description + "\n")
            shutil.copy(bare / "packed-refs", out / "packed-refs")
            for pack in sorted((bare / "objects/pack").glob("pack-*")):
                if pack.suffix in (".pack", ".idx"):
                    shutil.copy(pack, out / pack.name)
                    (out / pack.name).chmod(0o644)


def quoted(path: bytes) -> bytes:
    """A path as `git fast-import` wants it, C-quoted where needed."""
    if all(0x20 < c < 0x7F and c not in b'"\\' for c in path):
        return path
    return b'"' + b"".join(b"\\%03o" % c if c < 0x20 or c > 0x7E or c in b'"\\' else bytes([c]) for c in path) + b'"'
