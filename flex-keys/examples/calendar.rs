//! Prints the built-in trading calendar, a line a day: the date, then what kind of day it is.
//!
//! ```sh
//! cargo run -p flex-keys --example calendar -- 2010-01-04 2026-12-31
//! ```

use chrono::NaiveDate;
use flex_keys::{SERVICE_START, TradingCalendar};
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let calendar = TradingCalendar::tse();
    let mut arguments = std::env::args().skip(1);
    let first: NaiveDate = arguments.next().map_or(Ok(SERVICE_START), |text| text.parse())?;
    let last = match arguments.next() {
        Some(text) => text.parse()?,
        None => NaiveDate::from_ymd_opt(calendar.last_year(), 12, 31).ok_or("no such day")?,
    };
    let mut out = std::io::stdout().lock();
    for date in first.iter_days().take_while(|date| *date <= last) {
        let doubt = if calendar.is_provisional(date) { " provisional" } else { "" };
        writeln!(out, "{date} {}{doubt}", calendar.day(date))?;
    }
    Ok(())
}
