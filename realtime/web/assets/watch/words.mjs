// Every sentence that scripts put on the page, in one place.

import { countdown, dayTime, startTime } from './time-words.mjs';

/** Less than this behind live is called live. */
const LIVE_MS = 4000;

/** headline and detail of the message over the picture; null shows none. */
export function message(view, cls, now) {
  switch (view) {
    case 'waiting':
      return waiting(cls, now);
    case 'connecting':
      return { headline: 'Connecting…', detail: '' };
    case 'interrupted':
      return {
        headline: 'The teacher’s connection dropped.',
        detail: 'The video continues by itself. There is nothing you need to do.',
      };
    case 'ended':
      return { headline: 'This class has ended', detail: 'Thank you for watching.' };
    case 'gone':
      return { headline: 'This class is no longer here', detail: 'Ask your teacher for a new link.' };
    case 'locked':
      return cls.locked === 'expired'
        ? { headline: 'Your link has expired', detail: 'Ask your teacher for a new one. Opened here, it continues by itself.' }
        : { headline: 'This class needs a link from your teacher', detail: 'The link is longer than the address of this page. Check that you copied all of it.' };
    default:
      return null;
  }
}

function waiting(cls, now) {
  const detail = 'Keep this page open. The video starts by itself.';
  if (cls.startsAt === null) {
    return { eyebrow: 'Not started yet', headline: 'Waiting for the teacher', detail };
  }
  if (cls.startsAt <= now) {
    return { eyebrow: 'Any moment now', headline: 'Waiting for the teacher', detail };
  }
  return {
    eyebrow: 'Starts at',
    headline: startTime(cls.startsAt, now),
    countdown: countdown(cls.startsAt - now),
    detail,
  };
}

/** status is the line below the title. */
export function status(view, latency) {
  const behind = latency === null ? '' : `, ${seconds(latency)} behind`;
  switch (view) {
    case 'waiting': return 'Not started yet';
    case 'connecting': return 'Connecting';
    case 'live': return `Live${behind}`;
    case 'behind': return latency === null ? 'Behind the live lesson' : `${seconds(latency)} behind the live lesson`;
    case 'paused': return 'Paused';
    case 'recording': return 'Recording';
    case 'interrupted': return 'Interrupted';
    case 'ended': return 'Ended';
    case 'locked': return 'For viewers with a link';
    default: return '';
  }
}

/** spoken is what a screen reader hears when the page comes into a state. */
export function spoken(view) {
  switch (view) {
    case 'waiting': return 'Waiting for the class to start.';
    case 'connecting': return 'Connecting.';
    case 'live': return 'The class is live.';
    case 'behind': return 'You are behind the live lesson. Press End to jump to live.';
    case 'recording': return 'This is the recording of the class.';
    case 'interrupted': return 'The teacher’s connection dropped. The video continues by itself.';
    case 'ended': return 'This class has ended.';
    case 'gone': return 'This class is no longer here.';
    case 'locked': return 'This class needs a link from your teacher.';
    default: return '';
  }
}

/** seconds writes a latency as people read it: 2.4 s, 48 s, 3 min. */
export function seconds(s) {
  if (s < 10) {
    return `${s.toFixed(1)} s`;
  }
  return s < 120 ? `${Math.round(s)} s` : `${Math.round(s / 60)} min`;
}

/** clock writes a length of time: 4:05, 1:04:05. Negative ones get a sign. */
export function clock(ms) {
  const all = Math.round(Math.abs(ms) / 1000);
  const two = (n) => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  return `${ms < 0 && all > 0 ? '-' : ''}${h ? `${h}:${two(m)}` : m}:${two(s)}`;
}

/** lengthWords says a length of time: 1 hour 4 minutes 5 seconds. */
export function lengthWords(ms) {
  const all = Math.round(Math.abs(ms) / 1000);
  const parts = [[Math.floor(all / 3600), 'hour'], [Math.floor(all / 60) % 60, 'minute'], [all % 60, 'second']];
  const said = parts.filter(([n]) => n > 0).map(([n, unit]) => `${n} ${unit}${n === 1 ? '' : 's'}`);
  return said.join(' ') || '0 seconds';
}

/** momentWords says where on a timeline a time is; date is its date, null if unknown. */
export function momentWords({ kind, to }, at, date) {
  const when = date === null ? '' : `, ${dayTime(date)}`;
  if (kind === 'recording') {
    return `${lengthWords(at)} of ${lengthWords(to)}`;
  }
  return to - at < LIVE_MS ? 'Live' : `${lengthWords(to - at)} behind live${when}`;
}

/** moment writes the same shortly: what is shown beside the timeline. */
export function moment({ kind, to }, at) {
  if (kind === 'recording') {
    return `${clock(at)} / ${clock(to)}`;
  }
  return to - at < LIVE_MS ? 'Live' : clock(at - to);
}
