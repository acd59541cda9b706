//! The admin pages in a real browser: what they do with a script, what the policy forbids, and whether everybody can
//! use them.
//!
//! They need Chromium and its driver (Debian: `chromium`, `chromium-driver`) and axe-core from npm; `.ci/tools
//! browser` installs all three. `SKIP_BROWSER_TESTS=1` leaves them out. `SHOTS=<folder>` keeps a picture of every page.

mod pages;
mod sign_in;

use std::os::unix::fs::MetadataExt;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use futures_util::FutureExt;
use serde_json::{Value, json};
use thirtyfour::prelude::*;
use thirtyfour::{Capabilities, LoggingPrefsLogLevel};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const HOW_TO_GET: &str = "`.ci/tools browser` installs what these tests need (Chromium, its driver, axe-core); \
                          SKIP_BROWSER_TESTS=1 goes without them";

/// Where `.ci/tools browser` puts it, from the repository's root.
const AXE: &str = ".venv/axe/node_modules/axe-core/axe.min.js";

/// A browser. `run` ends it, however the test ends.
pub struct Browser {
    driver: WebDriver,
    axe: String,
}

/// How a page is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub name: &'static str,
    pub scheme: &'static str,
    pub width: u32,
    pub height: u32,
}

pub const LOOKS: [Look; 6] = [
    Look {
        name: "desktop-light",
        scheme: "light",
        width: 1440,
        height: 900,
    },
    Look {
        name: "tablet-light",
        scheme: "light",
        width: 1024,
        height: 768,
    },
    Look {
        name: "narrow-light",
        scheme: "light",
        width: 320,
        height: 640,
    },
    Look {
        name: "desktop-dark",
        scheme: "dark",
        width: 1280,
        height: 800,
    },
    Look {
        name: "phone-light",
        scheme: "light",
        width: 390,
        height: 844,
    },
    Look {
        name: "phone-dark",
        scheme: "dark",
        width: 390,
        height: 844,
    },
];

/// Runs a test in a browser of its own.
pub async fn run(test: impl AsyncFnOnce(&Browser)) {
    if std::env::var_os("SKIP_BROWSER_TESTS").is_some_and(|value| value == "1") {
        eprintln!("SKIP_BROWSER_TESTS=1: not run");
        return;
    }
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE);
    let axe = std::fs::read_to_string(&axe)
        .unwrap_or_else(|error| panic!("{AXE}: {error}; {HOW_TO_GET}"));
    let (port, _driver) = chromedriver().await;
    let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities())
        .await
        .unwrap_or_else(|error| panic!("Chromium does not start: {error}; {HOW_TO_GET}"));
    let browser = Browser { driver, axe };
    let outcome = AssertUnwindSafe(test(&browser)).catch_unwind().await;
    browser.driver.quit().await.unwrap();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// The driver's port, and the process, which ends with the value. It takes a port that is free for IPv6 and ends where
/// another process has that port for IPv4: then it is started again.
async fn chromedriver() -> (u16, Child) {
    for _ in 0..5 {
        if let Some(started) = start_chromedriver().await {
            return started;
        }
    }
    panic!("chromedriver ended without a word of its port");
}

async fn start_chromedriver() -> Option<(u16, Child)> {
    let mut process = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("chromedriver: {error}; {HOW_TO_GET}"));
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let port = line.split("successfully on port ").nth(1);
        if let Some(port) = port {
            let port = port.trim_end_matches('.').parse().unwrap();
            // What it says later must not fill the pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some((port, process));
        }
    }
    None
}

fn capabilities() -> Capabilities {
    let mut wanted = DesiredCapabilities::chrome();
    wanted.set_headless().unwrap();
    wanted.set_disable_dev_shm_usage().unwrap();
    wanted
        .set_browser_log_level(LoggingPrefsLogLevel::All)
        .unwrap();
    // Chromium refuses to sandbox what root starts, which is who tests in a container.
    if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        wanted.set_no_sandbox().unwrap();
    }
    wanted.into()
}

impl Browser {
    pub async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// The page's text, as it is seen.
    pub async fn text(&self) -> String {
        self.driver
            .find(By::Tag("body"))
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    pub async fn address(&self) -> String {
        self.driver.current_url().await.unwrap().to_string()
    }

    /// Waits for the page that a press leads to.
    pub async fn press(&self, selector: &str) {
        let before = self.script("return performance.timeOrigin").await;
        let button = self.driver.find(By::Css(selector)).await;
        let button = button.unwrap_or_else(|error| panic!("{selector}: {error}"));
        button.click().await.unwrap();
        for _ in 0..200 {
            let state = self
                .driver
                .execute(
                    "return [performance.timeOrigin, document.readyState]",
                    vec![],
                )
                .await;
            // Between two pages there may be none to ask.
            if let Ok(state) = state
                && state.json()[0] != before
                && state.json()[1] == "complete"
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{selector} leads nowhere");
    }

    pub async fn fill(&self, selector: &str, text: &str) {
        let field = self.driver.find(By::Css(selector)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub async fn keys(&self, keys: &str) {
        let active = self.driver.active_element().await.unwrap();
        active.send_keys(keys).await.unwrap();
    }

    pub async fn script(&self, script: &str) -> Value {
        self.driver
            .execute(script, vec![])
            .await
            .unwrap()
            .json()
            .clone()
    }

    /// Errors and violations of the policy since this was last asked; not that a page was an error as it should be.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.driver.browser_log().await.unwrap();
        let bad = entries.into_iter().filter(|entry| {
            let message = &entry.message;
            entry.level == "SEVERE" && !message.contains("the server responded with a status of 4")
                || message.contains("Content Security Policy")
        });
        bad.map(|entry| entry.message).collect()
    }

    pub async fn look(&self, look: Look) {
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": look.scheme}]});
        self.cdp("Emulation.setEmulatedMedia", media).await;
        let size = json!({"width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": look.width < 500});
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// What must hold for every page in every look: nothing was forbidden or failed, everybody can use it, and nothing
    /// sticks out at the side. Keeps a picture where one is wanted.
    pub async fn inspect(&self, page: &str) {
        for look in LOOKS {
            self.look(look).await;
            let name = format!("{page} {}", look.name);
            assert_eq!(self.complaints().await, [""; 0], "{name}");
            let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            let over = self.script(wide).await.as_i64().unwrap();
            assert!(over <= 0, "{name}: {over} pixels too wide");
            assert_eq!(self.serious().await, [""; 0], "{name}");
            self.keep(&name.replace(' ', "-")).await;
        }
        self.look(LOOKS[0]).await;
    }

    /// What axe-core finds serious.
    async fn serious(&self) -> Vec<String> {
        self.driver
            .execute(self.axe.as_str(), vec![])
            .await
            .unwrap();
        let run = "const done = arguments[0]; axe.run(document).then(
            found => done(found.violations), error => done([{impact: 'critical', id: String(error), nodes: []}]));";
        let found = self.driver.execute_async(run, vec![]).await.unwrap();
        let violations = found.json().as_array().unwrap();
        let serious = violations
            .iter()
            .filter(|one| matches!(one["impact"].as_str(), Some("serious" | "critical")));
        serious
            .map(|one| format!("{}: {}", one["id"], one["nodes"][0]["html"]))
            .collect()
    }

    async fn keep(&self, name: &str) {
        let Some(folder) = std::env::var_os("SHOTS").map(PathBuf::from) else {
            return;
        };
        let whole = json!({"captureBeyondViewport": true, "format": "png"});
        let picture = self.cdp("Page.captureScreenshot", whole).await;
        let png =
            base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().unwrap());
        std::fs::write(folder.join(format!("{name}.png")), png.unwrap()).unwrap();
    }

    async fn cdp(&self, method: &str, parameters: Value) -> Value {
        self.driver
            .cdp()
            .send_raw(method, parameters)
            .await
            .unwrap()
    }
}
