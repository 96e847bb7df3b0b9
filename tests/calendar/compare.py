"""Compares lines of `DATE KIND` on standard input with the XTKS calendar, day by day. Fails on any difference.

The arguments are the first and the last day. Every day between them must be there, once and in order.
"""

import datetime
import sys

import exchange_calendars

# The system failed and nothing was traded all day. XTKS counts it as no session, and so does flex, which calls it
# halted because files of that day may exist.
HALTED = datetime.date(2020, 10, 1)


def main() -> int:
    first, last = (datetime.date.fromisoformat(text) for text in sys.argv[1:3])
    # Its default range is the last twenty years and one to come.
    xtks = exchange_calendars.get_calendar("XTKS", start=first, end=last)
    theirs = {stamp.date() for stamp in xtks.sessions}

    ours = {}
    expected = first
    for line in sys.stdin:
        text, kind = line.rstrip("\n").split(" ", 1)
        date = datetime.date.fromisoformat(text)
        if date != expected:
            print(f"line {len(ours) + 1} is of {date}, not of {expected}", file=sys.stderr)
            return 1
        ours[date] = kind
        expected += datetime.timedelta(days=1)
    if expected != last + datetime.timedelta(days=1):
        print(f"the days end before {expected}, not after {last}", file=sys.stderr)
        return 1

    different = [date for date, kind in ours.items() if (kind == "session") != (date in theirs)]
    for date in different:
        other = "a session" if date in theirs else "no session"
        print(f"{date}: flex says {ours[date]}, XTKS says {other}", file=sys.stderr)
    if first <= HALTED <= last and (ours[HALTED] != "halted" or HALTED in theirs):
        print(f"{HALTED}: expected halted, and no session in XTKS", file=sys.stderr)
        different.append(HALTED)

    sessions = sum(kind == "session" for kind in ours.values())
    version = exchange_calendars.__version__
    print(f"{len(ours)} days from {first} to {last}, {sessions} sessions, {len(different)} differences "
          f"from XTKS (exchange_calendars {version})")
    return 1 if different else 0


sys.exit(main())
