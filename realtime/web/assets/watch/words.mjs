// Every sentence that scripts put on the page, in one place.

import { countdown, startTime } from './time-words.mjs';

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
    case 'interrupted': return 'Interrupted';
    case 'ended': return 'Ended';
    default: return '';
  }
}

/** spoken is what a screen reader hears when the page comes into a state. */
export function spoken(view) {
  switch (view) {
    case 'waiting': return 'Waiting for the class to start.';
    case 'connecting': return 'Connecting.';
    case 'live': return 'The class is live.';
    case 'behind': return 'You are behind the live lesson. Press L to jump to live.';
    case 'interrupted': return 'The teacher’s connection dropped. The video continues by itself.';
    case 'ended': return 'This class has ended.';
    case 'gone': return 'This class is no longer here.';
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
