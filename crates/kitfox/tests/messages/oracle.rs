//! Python's protobuf in a process of its own, asked over its standard input.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use kitfox::message::Message;

/// A running `oracle.py`.
pub(super) struct Oracle {
    child: Child,
    requests: Option<ChildStdin>,
    answers: ChildStdout,
}

/// What the oracle does with a payload.
#[derive(Clone, Copy)]
pub(super) enum Ask {
    /// Reads protobuf and writes it.
    Reserialize = b'b' as isize,
    /// Reads protobuf and writes JSON.
    ToJson = b'p' as isize,
    /// Reads JSON and writes protobuf.
    FromJson = b'j' as isize,
}

impl Oracle {
    /// Starts it, or says why the test cannot be made on this machine. `KITFOX_PYTHON` names the
    /// Python to take; where it is set, the test must not be passed over.
    pub(super) fn start(test: &str) -> Option<Self> {
        let chosen = std::env::var("KITFOX_PYTHON").ok();
        let python = chosen.clone().unwrap_or_else(|| "python3".to_owned());
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
        match Self::try_start(&python, &directory) {
            Ok(oracle) => Some(oracle),
            Err(reason) if chosen.is_some() => panic!("{python} (KITFOX_PYTHON): {reason}"),
            Err(reason) => {
                eprintln!(
                    "SKIPPED {test}: {python} {reason}; pip install protobuf grpcio-tools, and name the Python in KITFOX_PYTHON"
                );
                None
            }
        }
    }

    fn try_start(python: &str, directory: &Path) -> Result<Self, String> {
        let mut child = Command::new(python)
            .arg(directory.join("oracle.py"))
            .arg(directory.join("everything.proto"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("does not start: {error}"))?;
        let requests = child.stdin.take();
        let mut answers = child.stdout.take().unwrap();
        let mut ready = [0];
        if answers.read_exact(&mut ready).is_err() {
            let output = child.wait_with_output().map_err(|error| error.to_string())?;
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            let last = complaint.lines().last().unwrap_or("says nothing");
            return Err(format!("has no protobuf to compare with ({last})"));
        }
        Ok(Self { child, requests, answers })
    }

    /// What Python makes of the payload, or its error.
    pub(super) fn ask<M: Message>(&mut self, ask: Ask, payload: &[u8]) -> Result<Vec<u8>, String> {
        self.ask_as(M::NAME, ask, payload)
    }

    /// The same for a message that Rust has under another name.
    pub(super) fn ask_as(
        &mut self,
        name: &str,
        ask: Ask,
        payload: &[u8],
    ) -> Result<Vec<u8>, String> {
        let mut request = vec![ask as u8];
        for part in [name.as_bytes(), payload] {
            request.extend_from_slice(&u32::try_from(part.len()).unwrap().to_be_bytes());
            request.extend_from_slice(part);
        }
        let requests = self.requests.as_mut().unwrap();
        requests.write_all(&request).unwrap();
        requests.flush().unwrap();

        let mut head = [0; 5];
        self.answers.read_exact(&mut head).unwrap();
        let [ok, length @ ..] = head;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.answers.read_exact(&mut answer).unwrap();
        match ok {
            1 => Ok(answer),
            _ => Err(String::from_utf8_lossy(&answer).into_owned()),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.requests.take());
        drop(self.child.wait());
    }
}
