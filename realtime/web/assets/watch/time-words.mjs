// Times as people say them, in the reader's own time zone and clock (12 or 24 h).

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** startTime is "14:00", "tomorrow, 09:00" or "Tuesday 24 November, 14:00". */
export function startTime(at, now, locale = undefined) {
  const time = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' }).format(at);
  const days = calendarDay(at) - calendarDay(now);
  if (days === 0) {
    return time;
  }
  if (days === 1) {
    return `tomorrow, ${time}`;
  }
  const date = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' }).format(at);
  return `${date}, ${time}`;
}

/** dayTime is "10:42:07". */
export function dayTime(at, locale = undefined) {
  return new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit', second: '2-digit' }).format(at);
}

/** countdown is "in 3 days", "in 2 h 05 min", "in 12 min 30 s" or "in 9 s". */
export function countdown(ms) {
  const left = Math.max(0, Math.ceil(ms / SECOND) * SECOND);
  const two = (n) => String(n).padStart(2, '0');
  if (left >= 2 * DAY) {
    return `in ${Math.floor(left / DAY)} days`;
  }
  if (left >= HOUR) {
    return `in ${Math.floor(left / HOUR)} h ${two(Math.floor((left % HOUR) / MINUTE))} min`;
  }
  if (left >= MINUTE) {
    return `in ${Math.floor(left / MINUTE)} min ${two(Math.floor((left % MINUTE) / SECOND))} s`;
  }
  return `in ${left / SECOND} s`;
}

/** calendarDay numbers the days of the reader's calendar. */
function calendarDay(at) {
  const d = new Date(at);
  return Math.round(Date.UTC(d.getFullYear(), d.getMonth(), d.getDate()) / DAY);
}
