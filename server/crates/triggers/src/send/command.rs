//! One command: no shell, no environment but its own, ended with everything it began where it takes too long.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use tokio::time::timeout;

use super::{MAX_ANSWER, SendEnd, Sent, shown, text_of};
use crate::target::Command;
use crate::text::cut;

/// How long what a command left behind may still write after it has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The processes of one command, which end when this does.
struct Group(Option<Pid>);

impl Group {
    fn end(&mut self) {
        if let Some(group) = self.0.take() {
            // Those that have ended are none of our business.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

pub(super) async fn run(command: &Command, time: Duration) -> Sent {
    let Some((program, arguments)) = command.command.split_first() else {
        return Sent::without_answer(SendEnd::Refused { why: "names no program".to_owned() });
    };
    let mut child = match spawn(program, arguments, command) {
        Ok(child) => child,
        Err(error) => {
            let why = format!("{} can't be run: {error}", cut(program, 200));
            return Sent::without_answer(SendEnd::Failed { why, retry_after: None });
        }
    };
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let mut group = Group(id.and_then(Pid::from_raw));
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let ended = timeout(time, attend(&mut child, &command.input, &mut output, &mut errors)).await;
    let end = match &ended {
        Ok(Ok(status)) => {
            // What it left running on purpose may go on.
            group.0 = None;
            end_of(*status, &errors)
        }
        Ok(Err(error)) => SendEnd::Failed { why: format!("can't be waited for: {error}"), retry_after: None },
        Err(_) => {
            group.end();
            let _ = timeout(LAST_WORDS, child.wait()).await;
            SendEnd::Failed { why: format!("did not end within {} and was stopped", shown(time)), retry_after: None }
        }
    };
    output.extend_from_slice(&errors);
    let status = ended.ok().and_then(Result::ok).and_then(|status| status.code());
    Sent { duration: Duration::ZERO, status, answer: text_of(&output), answer_id: None, end }
}

fn spawn(program: &str, arguments: &[String], command: &Command) -> std::io::Result<Child> {
    tokio::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(command.variables.iter().map(|(name, value)| (*name, value)))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Gives it its input and keeps the beginning of what it writes, until it ends.
async fn attend(
    child: &mut Child,
    input: &str,
    output: &mut Vec<u8>,
    errors: &mut Vec<u8>,
) -> std::io::Result<ExitStatus> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let give = async move {
        if let Some(mut stdin) = stdin {
            // Who does not read it does not need it.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let talk = async { tokio::join!(give, keep(stdout, output), keep(stderr, errors)) };
    tokio::pin!(talk);
    let status = tokio::select! {
        status = child.wait() => status?,
        _ = &mut talk => return child.wait().await,
    };
    // Processes that it left behind may hold its output for ever.
    let _ = timeout(LAST_WORDS, talk).await;
    Ok(status)
}

/// Reads to the end, so that nobody waits for us, and keeps the beginning: a byte more than is told shows that there was more.
async fn keep(stream: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0; 4 << 10];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        let room = (MAX_ANSWER + 1).saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..read.min(room)]);
    }
}

fn end_of(status: ExitStatus, errors: &[u8]) -> SendEnd {
    use std::os::unix::process::ExitStatusExt as _;
    if status.success() {
        return SendEnd::Delivered;
    }
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("ends with status {code}"),
        (None, Some(signal)) => format!("is ended by signal {signal}"),
        (None, None) => "does not end well".to_owned(),
    };
    let errors = String::from_utf8_lossy(errors);
    let last = errors.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let last = last.map(|line| format!(": {}", cut(line, 200))).unwrap_or_default();
    SendEnd::Failed { why: format!("{how}{last}"), retry_after: None }
}
