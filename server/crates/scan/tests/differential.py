#!/usr/bin/env python3
"""Compares our composer with PyYAML's over libyaml: differential.py COMPOSE SEED COUNT FILE...

COMPOSE is the built example `compose`. Every file is compared as it is, then COUNT mutations of them. Files that
define an anchor twice are left out: PyYAML alone refuses those. Exits with 1 at any difference in documents, and
prints how often the lines of errors differ.
"""
import json, random, subprocess, sys
import yaml

SNIPPETS = [b"\t", b" ", b"\n", b"\r\n", b"\r", b": ", b":", b"- ", b"-", b"? ", b"?", b"#", b" #", b"&a ", b"*a ", b"!", b"!!str ",
            b"!!int ", b"!<x> ", b"!e!x ", b"|\n", b">\n", b"|2-\n", b">+\n", b"'", b'"', b"''", b'\\"', b"\\n", b"\\x41", b"\\\n", b"[",
            b"]", b"{", b"}", b",", b"---\n", b"---", b"...\n", b"%YAML 1.1\n", b"%TAG !e! tag:e,2000:\n", b"%", b"@", b"`", b"<<: ",
            b"=", b"~", b"null", b"yes", b"0x1F", b"1_000", b"1:30", b".5", b"-.inf", b"2001-01-01", b"2001-1-1 1:1:1Z", b"\xc3\xa9",
            b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\x00", b"\x7f", b"\xff", b"    ", b"  ", b"{{ x }}", b"{% x %}"]


def dump(node, path):
    if id(node) in path:
        return "@"
    if isinstance(node, yaml.ScalarNode):
        return "s" + json.dumps(node.tag, ensure_ascii=False) + ":" + json.dumps(node.value, ensure_ascii=False)
    path = path | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        return "[" + "".join(dump(item, path) + "," for item in node.value) + "]"
    return "{" + "".join(dump(k, path) + ">" + dump(v, path) + "," for k, v in node.value) + "}"


def reference(data):
    loader = yaml.CSafeLoader(data)
    out = ["D"]
    try:
        while loader.check_node():
            out.append(dump(loader.get_node(), frozenset()))
        return " ".join(out)
    except yaml.YAMLError as e:
        if "duplicate anchor" in str(e):
            return None
        mark = getattr(e, "problem_mark", None)
        message = (f"{e.context}: " if getattr(e, "context", None) else "") + str(getattr(e, "problem", None) or e)
        return f"E {type(e).__name__} {mark.line + 1 if mark else 0} {message}"
    except (RecursionError, UnicodeError, ValueError) as e:
        return f"E {type(e).__name__} 0 {e}"
    finally:
        loader.dispose()


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(data))
        what = rng.random()
        if what < 0.55:
            data[at:at] = rng.choice(SNIPPETS)
        elif what < 0.8:
            del data[at:at + rng.randint(1, 6)]
        elif what < 0.9:
            other = rng.randint(0, len(data))
            data[at:at] = data[other:other + rng.randint(1, 30)]
        else:
            data[at:at + 1] = rng.choice(SNIPPETS)
    return bytes(data)


def main(compose, seed, count, paths):
    rng = random.Random(int(seed))
    texts = []
    for path in paths:
        with open(path, "rb") as file:
            texts.append(file.read())
    cases = texts + [mutate(rng, rng.choice(texts)[:4000]) for _ in range(int(count))]
    feed = b"".join(b"%d\n" % len(case) + case for case in cases)
    ours = subprocess.run([compose], input=feed, stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")[:-1]
    assert len(ours) == len(cases), (len(ours), len(cases))
    wrong = skipped = errors = lines = messages = 0
    for case, our in zip(cases, ours):
        theirs = reference(case)
        if theirs is None:
            skipped += 1
            continue
        if our[0] == theirs[0] == "E":
            errors += 1
            lines += our.split(" ")[2] != theirs.split(" ")[2] and "ReaderError" not in theirs
            same = our.split(" ", 3)[3] == theirs.split(" ", 3)[3]
            if not same and "ReaderError" not in theirs and "encoding" not in our and messages < 10:
                print("message", our, "|", theirs)
            messages += not same and "ReaderError" not in theirs
        elif our != theirs:
            wrong += 1
            if wrong <= 5:
                print("DIFFERENT", case[:3000], "\n ours  ", our[:1500], "\n theirs", theirs[:1500])
    print(f"{len(cases)} files, {skipped} left out, {errors} errors in both ({lines} at other lines, {messages} in other words), "
          f"{wrong} different")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
