//! Processes under measurement: started, asked of the system what they use, ended.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::Error;

/// A process that ends with the value.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pid: u32,
    /// Where it serves.
    pub address: String,
}

impl Process {
    /// This program in another role. It says where it serves.
    pub async fn role(role: &str) -> Result<Process, Error> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(role).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut address = String::new();
        BufReader::new(stdout).read_line(&mut address).await?;
        Process::new(child, address.trim().to_owned())
    }

    /// A server that takes its port from the command; waited for until it accepts.
    pub async fn server(
        mut command: Command,
        port: u16,
        patience: Duration,
    ) -> Result<Process, Error> {
        let mut child = command.kill_on_drop(true).spawn()?;
        let address = format!("127.0.0.1:{port}");
        let begun = Instant::now();
        while TcpStream::connect(&address).await.is_err() {
            if let Some(status) = child.try_wait()? {
                return Err(format!("{:?} ended: {status}", command.as_std().get_program()).into());
            }
            if begun.elapsed() > patience {
                return Err(format!("{:?} does not listen", command.as_std().get_program()).into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Process::new(child, address)
    }

    /// A process that is no server.
    pub fn new(child: Child, address: String) -> Result<Process, Error> {
        let pid = child.id().ok_or("it has ended")?;
        Ok(Process {
            child,
            pid,
            address,
        })
    }

    /// Processor time so far, over all threads.
    pub fn cpu(&self) -> Result<Duration, Error> {
        cpu(self.pid)
    }

    /// Memory in use, in KiB.
    pub fn rss(&self) -> Result<u64, Error> {
        self.status("VmRSS:")
    }

    /// What of the memory in use is the process's own, in KiB: heap, stacks, and pages of its files that it has written
    /// to. The rest is pages of its files as they are, which the system can drop and read again.
    pub fn own(&self) -> Result<u64, Error> {
        self.status("RssAnon:")
    }

    /// The most memory in use since the start, or since the last [`Process::forget_peak`], in KiB.
    pub fn peak(&self) -> Result<u64, Error> {
        self.status("VmHWM:")
    }

    /// The peak is counted anew.
    pub fn forget_peak(&self) -> Result<(), Error> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.pid), "5")?)
    }

    fn status(&self, field: &str) -> Result<u64, Error> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("no such field")?.parse()?)
    }

    /// Asks it to end, and waits until it has.
    pub async fn terminate(mut self) -> Result<(), Error> {
        Command::new("kill")
            .arg(self.pid.to_string())
            .status()
            .await?;
        self.child.wait().await?;
        Ok(())
    }

    /// Ends it.
    pub async fn end(mut self) -> Result<(), Error> {
        Ok(self.child.kill().await?)
    }
}

/// Processor time of this process so far.
pub fn own_cpu() -> Result<Duration, Error> {
    cpu(std::process::id())
}

/// In nanoseconds, as the scheduler counts: clock ticks are too coarse for what is measured here. But the scheduler
/// forgets threads that have ended, which the ticks do not.
fn cpu(pid: u32) -> Result<Duration, Error> {
    let mut living = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end while they are counted.
        if let Ok(stat) = fs::read_to_string(task?.path().join("schedstat")) {
            let used = stat.split_whitespace().next().ok_or("an empty schedstat")?;
            living += used.parse::<u64>()?;
        }
    }
    Ok(Duration::from_nanos(living).max(ticks(pid)?))
}

/// To hundredths of a second, of all threads that there ever were
/// (<https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>).
fn ticks(pid: u32) -> Result<Duration, Error> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, after_name) = stat.rsplit_once(')').ok_or("a strange stat")?;
    // The 14th and 15th field, of which the first two are gone.
    let mut total = 0;
    for used in after_name.split_whitespace().skip(11).take(2) {
        total += used.parse::<u64>()?;
    }
    Ok(Duration::from_millis(total * 10))
}

/// A port that is free now.
pub async fn free_port() -> Result<u16, Error> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_thread_that_has_ended_is_counted() -> Result<(), Error> {
        let work = || {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(300) {
                std::hint::black_box(0);
            }
            own_cpu()
        };
        let with_it = std::thread::spawn(work)
            .join()
            .map_err(|_| "it panicked")??;
        // A tick is 10 ms, and there are two counts of them.
        assert!(own_cpu()? + Duration::from_millis(50) > with_it);
        Ok(())
    }
}
