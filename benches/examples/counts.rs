//! Fixed work so many times, for callgrind: `counts translate 10`. The difference between two numbers of times is what
//! one time costs.

use std::hint::black_box;

use benches::Error;
use benches::work::Work;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let (Some(what), Some(times)) = (arguments.next(), arguments.next()) else {
        return Err("counts translate|stream|record TIMES".into());
    };
    let work = Work::new()?;
    for _ in 0..times.parse::<usize>()? {
        match what.as_str() {
            "translate" => drop(black_box(work.translate()?)),
            "stream" => drop(black_box(work.stream()?)),
            "record" => work.record()?,
            other => {
                return Err(format!("'{other}' is no work: translate, stream or record").into());
            }
        }
    }
    Ok(())
}
