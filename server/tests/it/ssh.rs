//! A repository behind a real ssh server, read by the command line with the ssh program as people have it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use standin::Port;
use tempfile::TempDir;

use super::samples::unpack;

const SSHD: &str = "/usr/sbin/sshd";

/// An ssh server for this user alone, and a client that knows its key.
struct Ssh {
    folder: TempDir,
    server: Child,
    port: Port,
}

impl Ssh {
    /// `None`, said aloud, where no ssh server is installed.
    fn start() -> Option<Self> {
        if !Path::new(SSHD).exists() {
            println!("SKIPPED: repositories behind ssh are not tested: {SSHD} is missing (package openssh-server)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        for key in ["host", "client"] {
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &at(key)]).status().unwrap();
            assert!(made.success());
        }
        // As root the server insists on this folder, which only the system's own start makes.
        let _ = fs::create_dir("/run/sshd");
        let port = Port::take().unwrap();
        let options = [
            format!("Port={}", port.number),
            "ListenAddress=127.0.0.1".to_owned(),
            format!("HostKey={}", at("host")),
            format!("AuthorizedKeysFile={}", at("client.pub")),
            "StrictModes=no".to_owned(),
            "UsePAM=no".to_owned(),
            "PidFile=none".to_owned(),
            "PermitRootLogin=prohibit-password".to_owned(),
            "PasswordAuthentication=no".to_owned(),
        ];
        let mut server = Command::new(SSHD)
            .args(["-D", "-e", "-f", "/dev/null"])
            .args(options.iter().flat_map(|option| ["-o", option]))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map_while(Result::ok);
        let told = lines.by_ref().find(|line| line.contains("Server listening"));
        assert!(told.is_some(), "the ssh server did not start");
        // What it goes on to say is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let ssh = Self { folder, server, port };
        ssh.know(&fs::read_to_string(ssh.folder.path().join("host.pub")).unwrap());
        ssh.write_client();
        Some(ssh)
    }

    /// Makes the client believe that the server has this key.
    fn know(&self, key: &str) {
        fs::write(self.folder.path().join("known_hosts"), format!("[127.0.0.1]:{} {key}", self.port.number)).unwrap();
    }

    /// A program `ssh` that reads a configuration of ours instead of the user's.
    fn write_client(&self) {
        let bin = self.folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let at = self.folder.path().display();
        let text = format!(
            "#!/bin/sh\nexec /usr/bin/ssh -F /dev/null -oIdentityFile={at}/client -oUserKnownHostsFile={at}/known_hosts \
             -oStrictHostKeyChecking=yes \"$@\"\n"
        );
        fs::write(bin.join("ssh"), text).unwrap();
        fs::set_permissions(bin.join("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn history(&self, path: &Path) -> Output {
        let who = Command::new("id").arg("-un").output().unwrap();
        let who = String::from_utf8(who.stdout).unwrap();
        Command::new(env!("CARGO_BIN_EXE_kubestats"))
            .args(["history", "--format", "json"])
            .arg(format!("ssh://{}@127.0.0.1:{}{}", who.trim(), self.port.number, path.display()))
            .env("PATH", format!("{}/bin:{}", self.folder.path().display(), std::env::var("PATH").unwrap()))
            .output()
            .unwrap()
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_repository_behind_ssh_is_read_as_the_same_one_on_disk() {
    let Some(ssh) = Ssh::start() else { return };
    let repository = unpack("home-cluster", ssh.folder.path());
    let output = ssh.history(&repository);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let over_ssh: Value = serde_json::from_slice(&output.stdout).unwrap();
    let on_disk = super::samples::said("history", &repository);
    assert!(on_disk["history_events"]["added"].as_u64().unwrap() > 0);
    assert_eq!(over_ssh["history_events"], on_disk["history_events"]);
}

#[test]
fn a_server_with_another_key_or_without_the_repository_is_an_error_that_says_so() {
    let Some(ssh) = Ssh::start() else { return };
    let nothing = ssh.history(&ssh.folder.path().join("nothing.git"));
    let said = String::from_utf8_lossy(&nothing.stderr);
    assert!(!nothing.status.success() && said.contains("is there a repository at this path"), "{said}");

    let repository = unpack("home-cluster", ssh.folder.path());
    ssh.know(&fs::read_to_string(ssh.folder.path().join("client.pub")).unwrap());
    let strange = ssh.history(&repository);
    let said = String::from_utf8_lossy(&strange.stderr);
    assert!(!strange.status.success() && said.contains("Host key verification failed"), "{said}");

    ssh.know(&fs::read_to_string(ssh.folder.path().join("host.pub")).unwrap());
    fs::remove_file(ssh.folder.path().join("client")).unwrap();
    let locked = ssh.history(&repository);
    let said = String::from_utf8_lossy(&locked.stderr);
    assert!(!locked.status.success() && said.contains("asks for credentials"), "{said}");
}
