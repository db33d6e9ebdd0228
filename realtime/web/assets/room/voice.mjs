// Tells screen readers what happens in the room: what one has done oneself at once,
// all else summed up now and then. It never says each of many messages.

import { summary } from './room-words.mjs';

const EVERY_MS = 10000;

/**
 * voice speaks through two live regions.
 *
 * @param own  for what the person has just done
 * @param news for what others do
 */
export function voice(own, news, { now = () => performance.now(), later = (fn, ms) => setTimeout(fn, ms) } = {}) {
  const nothing = () => ({ messages: 0, questions: 0, last: null, toMe: [] });
  let heard = nothing();
  let saidAt = -Infinity;
  let waiting = false;

  function speak() {
    waiting = false;
    const text = summary(heard);
    heard = nothing();
    if (text !== '') {
      news.textContent = text;
      saidAt = now();
    }
  }

  function plan() {
    if (!waiting) {
      waiting = true;
      later(speak, Math.max(1000, saidAt + EVERY_MS - now()));
    }
  }

  return {
    say(text) {
      own.textContent = '';
      own.textContent = text;
    },
    /** message is heard of, and what it says if it is to this person or the only one. */
    message(name, text, toMe = false) {
      if (toMe) {
        heard.toMe.push({ name, text });
      } else {
        heard.messages += 1;
        heard.last = { name, text };
      }
      plan();
    },
    question() {
      heard.questions += 1;
      plan();
    },
  };
}
