//! The closed days of the Tokyo Stock Exchange other than weekends, 31 December and 1 to 3 January.
//!
//! Sources: the Act on National Holidays (Act No. 178 of 1948) with its amendments, and for each year the equinox days as
//! the National Astronomical Observatory announces them; for 2019 the act on the Emperor's accession (Act No. 99 of 2018),
//! for 2020 and 2021 the Olympic special measures acts; JPX's page of market holidays. Holidays that fall on a weekend
//! are listed too, so that a year reads like the Act.

use chrono::{Datelike, Days, NaiveDate, Weekday};

const NEW_YEARS_DAY: &str = "New Year's Day";
const COMING_OF_AGE: &str = "Coming of Age Day";
const FOUNDATION: &str = "National Foundation Day";
const EMPEROR: &str = "The Emperor's Birthday";
const VERNAL: &str = "Vernal Equinox Day";
const SHOWA: &str = "Showa Day";
const ACCESSION: &str = "The Emperor's Accession";
const CONSTITUTION: &str = "Constitution Memorial Day";
const GREENERY: &str = "Greenery Day";
const CHILDREN: &str = "Children's Day";
const MARINE: &str = "Marine Day";
const MOUNTAIN: &str = "Mountain Day";
const AGED: &str = "Respect for the Aged Day";
const AUTUMNAL: &str = "Autumnal Equinox Day";
const HEALTH: &str = "Health and Sports Day";
const SPORTS: &str = "Sports Day";
const ENTHRONEMENT: &str = "The Enthronement Ceremony";
const CULTURE: &str = "Culture Day";
const LABOUR: &str = "Labour Thanksgiving Day";
/// Article 3 (2): the next day that is no holiday, after a holiday on a Sunday.
const SUBSTITUTE: &str = "Substitute Holiday";
/// Article 3 (3): a day between two holidays.
const BETWEEN: &str = "Citizens' Holiday";

/// The last year that the table holds. Later ones follow the rules below.
pub(crate) const LAST_YEAR: i32 = 2027;

const FIRST_YEAR: i32 = 2010;

/// The Arrowhead system failed and nothing was traded all day.
pub(crate) const HALTED: (i32, u32, u32) = (2020, 10, 1);

type Year = &'static [(u32, u32, &'static str)];

#[rustfmt::skip]
const YEARS: [(i32, Year); (LAST_YEAR - FIRST_YEAR + 1) as usize] = [
    (2010, &[
        (1, 1, NEW_YEARS_DAY), (1, 11, COMING_OF_AGE), (2, 11, FOUNDATION), (3, 21, VERNAL), (3, 22, SUBSTITUTE),
        (4, 29, SHOWA), (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN), (7, 19, MARINE),
        (9, 20, AGED), (9, 23, AUTUMNAL), (10, 11, HEALTH), (11, 3, CULTURE), (11, 23, LABOUR),
        (12, 23, EMPEROR),
    ]),
    (2011, &[
        (1, 1, NEW_YEARS_DAY), (1, 10, COMING_OF_AGE), (2, 11, FOUNDATION), (3, 21, VERNAL), (4, 29, SHOWA),
        (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN), (7, 18, MARINE), (9, 19, AGED),
        (9, 23, AUTUMNAL), (10, 10, HEALTH), (11, 3, CULTURE), (11, 23, LABOUR), (12, 23, EMPEROR),
    ]),
    (2012, &[
        (1, 1, NEW_YEARS_DAY), (1, 2, SUBSTITUTE), (1, 9, COMING_OF_AGE), (2, 11, FOUNDATION), (3, 20, VERNAL),
        (4, 29, SHOWA), (4, 30, SUBSTITUTE), (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN),
        (7, 16, MARINE), (9, 17, AGED), (9, 22, AUTUMNAL), (10, 8, HEALTH), (11, 3, CULTURE),
        (11, 23, LABOUR), (12, 23, EMPEROR), (12, 24, SUBSTITUTE),
    ]),
    (2013, &[
        (1, 1, NEW_YEARS_DAY), (1, 14, COMING_OF_AGE), (2, 11, FOUNDATION), (3, 20, VERNAL), (4, 29, SHOWA),
        (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN), (5, 6, SUBSTITUTE), (7, 15, MARINE),
        (9, 16, AGED), (9, 23, AUTUMNAL), (10, 14, HEALTH), (11, 3, CULTURE), (11, 4, SUBSTITUTE),
        (11, 23, LABOUR), (12, 23, EMPEROR),
    ]),
    (2014, &[
        (1, 1, NEW_YEARS_DAY), (1, 13, COMING_OF_AGE), (2, 11, FOUNDATION), (3, 21, VERNAL), (4, 29, SHOWA),
        (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN), (5, 6, SUBSTITUTE), (7, 21, MARINE),
        (9, 15, AGED), (9, 23, AUTUMNAL), (10, 13, HEALTH), (11, 3, CULTURE), (11, 23, LABOUR),
        (11, 24, SUBSTITUTE), (12, 23, EMPEROR),
    ]),
    (2015, &[
        (1, 1, NEW_YEARS_DAY), (1, 12, COMING_OF_AGE), (2, 11, FOUNDATION), (3, 21, VERNAL), (4, 29, SHOWA),
        (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN), (5, 6, SUBSTITUTE), (7, 20, MARINE),
        (9, 21, AGED), (9, 22, BETWEEN), (9, 23, AUTUMNAL), (10, 12, HEALTH), (11, 3, CULTURE),
        (11, 23, LABOUR), (12, 23, EMPEROR),
    ]),
    (2016, &[
        (1, 1, NEW_YEARS_DAY), (1, 11, COMING_OF_AGE), (2, 11, FOUNDATION), (3, 20, VERNAL), (3, 21, SUBSTITUTE),
        (4, 29, SHOWA), (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN), (7, 18, MARINE),
        (8, 11, MOUNTAIN), (9, 19, AGED), (9, 22, AUTUMNAL), (10, 10, HEALTH), (11, 3, CULTURE),
        (11, 23, LABOUR), (12, 23, EMPEROR),
    ]),
    (2017, &[
        (1, 1, NEW_YEARS_DAY), (1, 2, SUBSTITUTE), (1, 9, COMING_OF_AGE), (2, 11, FOUNDATION), (3, 20, VERNAL),
        (4, 29, SHOWA), (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN), (7, 17, MARINE),
        (8, 11, MOUNTAIN), (9, 18, AGED), (9, 23, AUTUMNAL), (10, 9, HEALTH), (11, 3, CULTURE),
        (11, 23, LABOUR), (12, 23, EMPEROR),
    ]),
    (2018, &[
        (1, 1, NEW_YEARS_DAY), (1, 8, COMING_OF_AGE), (2, 11, FOUNDATION), (2, 12, SUBSTITUTE), (3, 21, VERNAL),
        (4, 29, SHOWA), (4, 30, SUBSTITUTE), (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN),
        (7, 16, MARINE), (8, 11, MOUNTAIN), (9, 17, AGED), (9, 23, AUTUMNAL), (9, 24, SUBSTITUTE),
        (10, 8, HEALTH), (11, 3, CULTURE), (11, 23, LABOUR), (12, 23, EMPEROR), (12, 24, SUBSTITUTE),
    ]),
    (2019, &[
        (1, 1, NEW_YEARS_DAY), (1, 14, COMING_OF_AGE), (2, 11, FOUNDATION), (3, 21, VERNAL), (4, 29, SHOWA),
        (4, 30, BETWEEN), (5, 1, ACCESSION), (5, 2, BETWEEN), (5, 3, CONSTITUTION), (5, 4, GREENERY),
        (5, 5, CHILDREN), (5, 6, SUBSTITUTE), (7, 15, MARINE), (8, 11, MOUNTAIN), (8, 12, SUBSTITUTE),
        (9, 16, AGED), (9, 23, AUTUMNAL), (10, 14, HEALTH), (10, 22, ENTHRONEMENT), (11, 3, CULTURE),
        (11, 4, SUBSTITUTE), (11, 23, LABOUR),
    ]),
    (2020, &[
        (1, 1, NEW_YEARS_DAY), (1, 13, COMING_OF_AGE), (2, 11, FOUNDATION), (2, 23, EMPEROR), (2, 24, SUBSTITUTE),
        (3, 20, VERNAL), (4, 29, SHOWA), (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN),
        (5, 6, SUBSTITUTE), (7, 23, MARINE), (7, 24, SPORTS), (8, 10, MOUNTAIN), (9, 21, AGED),
        (9, 22, AUTUMNAL), (11, 3, CULTURE), (11, 23, LABOUR),
    ]),
    (2021, &[
        (1, 1, NEW_YEARS_DAY), (1, 11, COMING_OF_AGE), (2, 11, FOUNDATION), (2, 23, EMPEROR), (3, 20, VERNAL),
        (4, 29, SHOWA), (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN), (7, 22, MARINE),
        (7, 23, SPORTS), (8, 8, MOUNTAIN), (8, 9, SUBSTITUTE), (9, 20, AGED), (9, 23, AUTUMNAL),
        (11, 3, CULTURE), (11, 23, LABOUR),
    ]),
    (2022, &[
        (1, 1, NEW_YEARS_DAY), (1, 10, COMING_OF_AGE), (2, 11, FOUNDATION), (2, 23, EMPEROR), (3, 21, VERNAL),
        (4, 29, SHOWA), (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN), (7, 18, MARINE),
        (8, 11, MOUNTAIN), (9, 19, AGED), (9, 23, AUTUMNAL), (10, 10, SPORTS), (11, 3, CULTURE),
        (11, 23, LABOUR),
    ]),
    (2023, &[
        (1, 1, NEW_YEARS_DAY), (1, 2, SUBSTITUTE), (1, 9, COMING_OF_AGE), (2, 11, FOUNDATION), (2, 23, EMPEROR),
        (3, 21, VERNAL), (4, 29, SHOWA), (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN),
        (7, 17, MARINE), (8, 11, MOUNTAIN), (9, 18, AGED), (9, 23, AUTUMNAL), (10, 9, SPORTS),
        (11, 3, CULTURE), (11, 23, LABOUR),
    ]),
    (2024, &[
        (1, 1, NEW_YEARS_DAY), (1, 8, COMING_OF_AGE), (2, 11, FOUNDATION), (2, 12, SUBSTITUTE), (2, 23, EMPEROR),
        (3, 20, VERNAL), (4, 29, SHOWA), (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN),
        (5, 6, SUBSTITUTE), (7, 15, MARINE), (8, 11, MOUNTAIN), (8, 12, SUBSTITUTE), (9, 16, AGED),
        (9, 22, AUTUMNAL), (9, 23, SUBSTITUTE), (10, 14, SPORTS), (11, 3, CULTURE), (11, 4, SUBSTITUTE),
        (11, 23, LABOUR),
    ]),
    (2025, &[
        (1, 1, NEW_YEARS_DAY), (1, 13, COMING_OF_AGE), (2, 11, FOUNDATION), (2, 23, EMPEROR), (2, 24, SUBSTITUTE),
        (3, 20, VERNAL), (4, 29, SHOWA), (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN),
        (5, 6, SUBSTITUTE), (7, 21, MARINE), (8, 11, MOUNTAIN), (9, 15, AGED), (9, 23, AUTUMNAL),
        (10, 13, SPORTS), (11, 3, CULTURE), (11, 23, LABOUR), (11, 24, SUBSTITUTE),
    ]),
    (2026, &[
        (1, 1, NEW_YEARS_DAY), (1, 12, COMING_OF_AGE), (2, 11, FOUNDATION), (2, 23, EMPEROR), (3, 20, VERNAL),
        (4, 29, SHOWA), (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN), (5, 6, SUBSTITUTE),
        (7, 20, MARINE), (8, 11, MOUNTAIN), (9, 21, AGED), (9, 22, BETWEEN), (9, 23, AUTUMNAL),
        (10, 12, SPORTS), (11, 3, CULTURE), (11, 23, LABOUR),
    ]),
    (2027, &[
        (1, 1, NEW_YEARS_DAY), (1, 11, COMING_OF_AGE), (2, 11, FOUNDATION), (2, 23, EMPEROR), (3, 21, VERNAL),
        (3, 22, SUBSTITUTE), (4, 29, SHOWA), (5, 3, CONSTITUTION), (5, 4, GREENERY), (5, 5, CHILDREN),
        (7, 19, MARINE), (8, 11, MOUNTAIN), (9, 20, AGED), (9, 23, AUTUMNAL), (10, 11, SPORTS),
        (11, 3, CULTURE), (11, 23, LABOUR),
    ]),
];

/// The national holiday on a day, if it is one. From the table, or by rule for years beyond it.
pub(crate) fn holiday(date: NaiveDate) -> Option<&'static str> {
    match usize::try_from(date.year() - FIRST_YEAR).ok().and_then(|index| YEARS.get(index)) {
        Some((_, days)) => {
            days.iter().find(|(month, day, _)| (*month, *day) == (date.month(), date.day())).map(|(_, _, name)| *name)
        }
        None => by_rule(date),
    }
}

/// The Act as it stands since 2022, with the equinoxes by the usual approximation, good from 1980 to 2099.
fn by_rule(date: NaiveDate) -> Option<&'static str> {
    own_holiday(date).or_else(|| {
        let (before, after) = (date.checked_sub_days(Days::new(1))?, date.checked_add_days(Days::new(1))?);
        let mut earlier = before;
        while own_holiday(earlier).is_some() {
            if earlier.weekday() == Weekday::Sun {
                return Some(SUBSTITUTE);
            }
            earlier = earlier.checked_sub_days(Days::new(1))?;
        }
        (own_holiday(before).is_some() && own_holiday(after).is_some()).then_some(BETWEEN)
    })
}

/// The holidays that article 2 names.
fn own_holiday(date: NaiveDate) -> Option<&'static str> {
    let nth_monday = |n: u32| date.weekday() == Weekday::Mon && (date.day() - 1) / 7 + 1 == n;
    let equinox = |base: i64| {
        let years = i64::from(date.year()) - 1980;
        i64::from(date.day()) == (base + 242_194 * years).div_euclid(1_000_000) - years.div_euclid(4)
    };
    match (date.month(), date.day()) {
        (1, 1) => Some(NEW_YEARS_DAY),
        (1, _) if nth_monday(2) => Some(COMING_OF_AGE),
        (2, 11) => Some(FOUNDATION),
        (2, 23) => Some(EMPEROR),
        (3, _) if equinox(20_843_100) => Some(VERNAL),
        (4, 29) => Some(SHOWA),
        (5, 3) => Some(CONSTITUTION),
        (5, 4) => Some(GREENERY),
        (5, 5) => Some(CHILDREN),
        (7, _) if nth_monday(3) => Some(MARINE),
        (8, 11) => Some(MOUNTAIN),
        (9, _) if nth_monday(3) => Some(AGED),
        (9, _) if equinox(23_248_800) => Some(AUTUMNAL),
        (10, _) if nth_monday(2) => Some(SPORTS),
        (11, 3) => Some(CULTURE),
        (11, 23) => Some(LABOUR),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete_and_in_order() {
        for (index, (year, days)) in YEARS.iter().enumerate() {
            assert_eq!(*year, FIRST_YEAR + index as i32);
            assert!(days.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)), "{year}");
            assert!(
                days.iter().all(|(month, day, _)| NaiveDate::from_ymd_opt(*year, *month, *day).is_some()),
                "{year}"
            );
        }
    }

    #[test]
    fn the_rules_give_what_the_table_says_since_the_last_change_of_the_act() {
        let start = NaiveDate::from_ymd_opt(2022, 1, 1).expect("a date");
        for date in start.iter_days().take_while(|date| date.year() <= LAST_YEAR) {
            assert_eq!(by_rule(date), holiday(date), "{date}");
        }
    }

    #[test]
    fn the_rules_know_substitutes_and_days_between() {
        for (year, month, day, want) in [
            (2032, 9, 20, Some(AGED)),
            (2032, 9, 21, Some(BETWEEN)), // the equinox is on the 22nd
            (2032, 9, 22, Some(AUTUMNAL)),
            (2030, 5, 6, Some(SUBSTITUTE)), // 5 May is a Sunday
            (2031, 5, 6, Some(SUBSTITUTE)), // 4 May is a Sunday, and the 5th is a holiday itself
            (2031, 5, 7, None),
            (2028, 10, 1, None),
        ] {
            let date = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
            assert_eq!(holiday(date), want, "{date}");
        }
    }
}
