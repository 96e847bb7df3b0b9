//! `flex doctor`: a sound set-up, broken ones, and what it must never do.

mod faults;
mod general;
mod patient;
mod table;
