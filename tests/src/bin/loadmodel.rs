//! Serves a load model on loopback until it is told to stop.

use std::error::Error;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use flex_tests::loadmodel::{DESTINATION, Model, Partition, SOURCE, Scene, floor, serve};
use tokio::net::TcpListener;

// The model shares a machine with what it measures.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
Serves an S3 and STS for load on 127.0.0.1: metadata only, nothing verified, nobody refused. Not the sandbox.

Usage: loadmodel [OPTIONS]

  --scene NAME          small (default), latency, year, limited, million, tenmillion, day, nothing-10k, nothing-1m
  --port N              listen there (default: a free port)
  --threads N           worker threads (default: 1)
  --floor               print what a trivial client reaches against this server, and end
  --connections N       of that client (default: 64)

What changes the scene:
  --days N              sessions of the exchange
  --per-day N           files of each
  --mean-size BYTES     of the objects
  --size-sigma X        of their lognormal distribution; 0: all alike
  --part-size BYTES     sources above it were uploaded in such parts; 0: none were
  --checksums           sources have a full-object checksum
  --latency-ms X        median of a request; 0: at once
  --latency-sigma X     of its lognormal distribution
  --bandwidth BYTES     that a request copies in a second; 0: any number
  --write-limit N       writes a second that a partition takes; 0: any number
  --read-limit N        reads a second
  --partition WHAT      bucket, year, month, day: what a limit holds for
  --time-scale X        times pass so many times faster
  --filled, --empty     the destination holds everything, or nothing, at the start
  --seed N              decides sizes, ETags and latencies

While it runs: GET /_model/scene, GET /_model/stats, POST /_model/reset. Ends on Ctrl-C or SIGTERM.
";

struct Options {
    scene: Scene,
    port: u16,
    threads: usize,
    floor: bool,
    connections: usize,
}

/// A number that is not negative; 0 stands for none.
fn limit(text: &str) -> Option<Option<f64>> {
    text.parse::<f64>().ok().filter(|number| *number >= 0.0 && number.is_finite()).map(|n| (n > 0.0).then_some(n))
}

impl Options {
    /// None: help was asked for.
    fn read(arguments: &[String]) -> Result<Option<Self>, String> {
        let named = arguments.iter().position(|word| word == "--scene").map(|at| arguments.get(at + 1));
        let name = named.map_or(Ok("small"), |name| name.map(String::as_str).ok_or("--scene needs a value"))?;
        let scene =
            Scene::named(name).ok_or_else(|| format!("no scene is called {name}: {}", Scene::NAMES.join(", ")))?;
        let mut out = Self { scene, port: 0, threads: 1, floor: false, connections: 64 };
        let mut words = arguments.iter();
        while let Some(option) = words.next() {
            match option.as_str() {
                "--help" | "-h" => return Ok(None),
                "--floor" => out.floor = true,
                "--checksums" => out.scene.checksums = true,
                "--filled" => out.scene.filled = true,
                "--empty" => out.scene.filled = false,
                _ => {
                    let value = words.next().ok_or_else(|| format!("{option} needs a value, or is not known"))?;
                    out.set(option, value).ok_or_else(|| format!("{option} {value}: see --help"))?;
                }
            }
        }
        if out.scene.objects() == 0 {
            return Err("a scene needs objects".into());
        }
        Ok(Some(out))
    }

    fn set(&mut self, option: &str, value: &str) -> Option<()> {
        let scene = &mut self.scene;
        let number = || limit(value).map(Option::unwrap_or_default);
        match option {
            "--scene" => {}
            "--port" => self.port = value.parse().ok()?,
            "--threads" => self.threads = value.parse().ok().filter(|threads| *threads > 0)?,
            "--connections" => self.connections = value.parse().ok().filter(|number| *number > 0)?,
            "--days" => scene.days = value.parse().ok()?,
            "--per-day" => scene.per_day = value.parse().ok()?,
            "--mean-size" => scene.mean_size = value.parse().ok()?,
            "--size-sigma" => scene.size_sigma = number()?,
            "--part-size" => scene.part_size = limit(value)?.map(|size| size as u64),
            "--latency-ms" => scene.latency = number()? / 1e3,
            "--latency-sigma" => scene.latency_sigma = number()?,
            "--bandwidth" => scene.bandwidth = limit(value)?,
            "--write-limit" => scene.write_limit = limit(value)?,
            "--read-limit" => scene.read_limit = limit(value)?,
            "--time-scale" => scene.time_scale = limit(value)??,
            "--seed" => scene.seed = value.parse().ok()?,
            "--partition" => {
                scene.partition = match value {
                    "bucket" => Partition::Bucket,
                    "year" => Partition::Year,
                    "month" => Partition::Month,
                    "day" => Partition::Day,
                    _ => return None,
                }
            }
            _ => return None,
        }
        Some(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(options) = Options::read(&arguments)? else {
        io::stdout().write_all(HELP.as_bytes())?;
        return Ok(());
    };
    let mut runtime = if options.threads == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    runtime.worker_threads(options.threads).enable_all().build()?.block_on(run(options))
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let name = options.scene.name.clone();
    let model = Arc::new(Model::new(options.scene));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    let address = listener.local_addr()?;
    if options.floor {
        return measure(listener, address, model, options.connections).await;
    }
    let mut out = io::stdout();
    writeln!(out, "# Scene {name}: s3://{SOURCE} to s3://{DESTINATION}")?;
    writeln!(out, "export AWS_ENDPOINT_URL=http://{address}")?;
    writeln!(out, "# Ready")?;
    out.flush()?;
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        served = serve(listener, model) => served?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    Ok(())
}

/// The client has a thread of its own, as a measured program has.
async fn measure(
    listener: TcpListener,
    address: SocketAddr,
    model: Arc<Model>,
    connections: usize,
) -> Result<(), Box<dyn Error>> {
    let client = {
        let model = model.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(floor(address, model, connections))
        })
    };
    // The runtime's own threads serve; this one only waits for the client.
    let serving = tokio::spawn(serve(listener, model));
    let ended = tokio::task::spawn_blocking(move || client.join()).await?;
    serving.abort();
    let floor = ended.map_err(|_| "the client panicked")??;
    let line = format!(
        "{{\"connections\": {connections}, \"copies_per_second\": {:.0}, \"pages_per_second\": {:.0}}}",
        floor.copies, floor.pages
    );
    writeln!(io::stdout(), "{line}")?;
    Ok(())
}
