//! Lines that are no envelope, each broken in its own way.

use crate::event::{Event, Plan};

/// A line that no reader admits.
pub(crate) fn junk(plan: &Plan, number: u32) -> Vec<u8> {
    let mut line = Event::new(plan, number).to_line();
    match number % 6 {
        0 => line.truncate(line.len() / 2),
        1 => return format!("2026-01-01 00:00:{:02} INFO flushed {number} events", number % 60).into_bytes(),
        2 => line.splice(1..1, *b"\"sevrity\":\"high\",").for_each(drop),
        3 => line.splice(1..1, *b"\"run_id\":\"again\",").for_each(drop),
        4 => line.splice(2..2, *b"\xFF\xFE").for_each(drop),
        _ => line = String::from_utf8_lossy(&line).replace("\"signal\":\"", "\"signal\":\"un").into_bytes(),
    }
    line
}
