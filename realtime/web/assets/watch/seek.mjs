// The timeline: where in the class one is, and the way to elsewhere. A native range
// input, so that fingers, keys and screen readers find what they know.

import { dayTime } from './time-words.mjs';
import { moment, momentWords } from './words.mjs';

/** A class shorter than this has no timeline, in ms. */
const SHORTEST_MS = 10000;
/** Keys pressed within this time are one wish. */
const SETTLE_MS = 300;
/** A wish is shown until it has come true, or for so long. */
const PATIENCE_MS = 6000;
const NEAR_MS = 1500;
/** Somebody listening hears where they are when they move, and otherwise seldom. */
const QUIET_MS = 15000;
const STEPS = { ArrowLeft: -10, ArrowDown: -10, ArrowRight: 10, ArrowUp: 10, PageDown: -60, PageUp: 60 };
/** Width of the knob in CSS pixels: the pointer is at its middle. */
const KNOB = 16;

/**
 * timeline shows where player is.
 *
 * @param say      tells a screen reader, see announce.mjs
 * @param pictures see storyboard.mjs
 */
export function timeline(player, pass, { say, pictures }) {
  const row = document.getElementById('seek');
  const input = document.getElementById('timeline');
  const label = document.getElementById('moment');
  const tip = document.getElementById('tip');
  const tipPicture = document.getElementById('tip-picture');
  const tipTime = document.getElementById('tip-time');
  const tipDate = document.getElementById('tip-date');
  let now = null; // what was shown last
  let board = ''; // URL of the storyboard
  let aim = null; // where the viewer wants to be, until they are
  let aimedAt = 0;
  let settle = 0;
  let dragging = false;
  let saidAt = -Infinity;

  /** aimAt shows a wish at once and makes it come true when no other follows. */
  function aimAt(ms, wait = SETTLE_MS) {
    aim = Math.min(Math.max(ms, now.from), now.to);
    aimedAt = performance.now();
    clearTimeout(settle);
    if (wait !== null) {
      settle = setTimeout(() => {
        aimedAt = performance.now();
        player.seekTo(aim);
      }, wait);
    }
    show(true);
  }

  const usable = () => now !== null && !row.hidden && row.closest('[hidden]') === null;

  /** seekBy goes so many seconds on or back; false says that there is nowhere to go. */
  function seekBy(seconds) {
    if (!usable()) {
      return false;
    }
    aimAt((aim ?? now.at) + seconds * 1000);
    if (document.activeElement !== input) {
      say(words(aim));
    }
    return true;
  }

  const words = (ms) => momentWords(now, ms, player.dateAt(ms));

  function show(moved) {
    const at = aim ?? now.at;
    const length = Math.round((now.to - now.from) / 1000);
    const value = String(Math.min(Math.round((at - now.from) / 1000), length));
    set(input, 'max', String(length));
    if (!dragging && input.value !== value) {
      input.value = value;
    }
    input.style.setProperty('--value', `${length ? 100 * Number(input.value) / length : 100}%`);
    if (moved || performance.now() - saidAt > QUIET_MS) {
      input.setAttribute('aria-valuetext', words(at));
      saidAt = performance.now();
    }
    const where = moment(now, at);
    const text = now.kind === 'past' && where !== 'Live' ? `${where} · ${timeOfDay(player.dateAt(at))}` : where;
    if (label.textContent !== text) {
      label.textContent = text;
    }
  }

  const timeOfDay = (date) => (date === null ? '' : dayTime(date));

  /** hint shows what is at a place of the line. */
  function hint(fraction) {
    if (now === null) {
      return;
    }
    const ms = now.from + Math.min(Math.max(fraction, 0), 1) * (now.to - now.from);
    const date = player.dateAt(ms);
    tipTime.textContent = moment(now, ms);
    tipDate.textContent = timeOfDay(date);
    const picture = pictures.at(date, board);
    tipPicture.hidden = picture === null;
    if (picture !== null) {
      tipPicture.style.width = `${picture.width}px`;
      tipPicture.style.height = `${picture.height}px`;
      tipPicture.style.backgroundImage = `url("${pass.wire(picture.url)}")`;
      tipPicture.style.backgroundPosition = `-${picture.x}px -${picture.y}px`;
    }
    tip.hidden = false;
    const { width } = row.getBoundingClientRect();
    const half = tip.offsetWidth / 2;
    const x = KNOB / 2 + fraction * (input.offsetWidth - KNOB);
    tip.style.left = `${Math.min(Math.max(x, half), width - half)}px`;
  }

  const valueFraction = () => Number(input.value) / Math.max(Number(input.max), 1);

  input.addEventListener('pointermove', (event) => {
    if (event.pointerType === 'mouse' || dragging) {
      const box = input.getBoundingClientRect();
      hint(Math.min(Math.max((event.clientX - box.left - KNOB / 2) / (box.width - KNOB), 0), 1));
    }
  });
  input.addEventListener('pointerdown', () => { dragging = true; });
  for (const type of ['pointerup', 'pointercancel', 'change', 'blur']) {
    input.addEventListener(type, () => {
      dragging = false;
      tip.hidden = true;
    });
  }
  input.addEventListener('pointerleave', () => { tip.hidden = !dragging; });
  input.addEventListener('input', () => {
    if (now !== null) {
      aimAt(now.from + valueFraction() * (now.to - now.from), dragging ? null : SETTLE_MS);
      hint(valueFraction());
    }
  });
  input.addEventListener('change', () => {
    if (now !== null) {
      aimAt(now.from + valueFraction() * (now.to - now.from), 0);
    }
  });
  input.addEventListener('focus', () => { saidAt = -Infinity; });
  input.addEventListener('keydown', (event) => {
    if (now === null || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    if (event.key in STEPS) {
      seekBy(STEPS[event.key]);
    } else if (event.key === 'Home') {
      aimAt(now.from);
    } else if (event.key === 'End') {
      aimAt(now.to);
    } else {
      return;
    }
    event.preventDefault();
  });

  function render({ cls }) {
    board = cls.storyboard ?? '';
    now = player.timeline();
    row.hidden = now === null || now.to - now.from < SHORTEST_MS;
    if (now === null) {
      return;
    }
    if (aim !== null && !dragging) {
      const done = Math.abs(now.at - aim) < NEAR_MS || (aim > now.to - NEAR_MS && now.to - now.at < 2 * NEAR_MS);
      if (performance.now() - aimedAt > (done ? SETTLE_MS + 200 : PATIENCE_MS)) {
        aim = null;
      }
    }
    show(false);
  }

  render.seekBy = seekBy;
  function seekTo(end) {
    if (!usable()) {
      return false;
    }
    aimAt(now[end]);
    say(words(aim));
    return true;
  }
  /** seekToStart and seekToEnd go as far as there is; false says that there is nowhere to go. */
  render.seekToStart = () => seekTo('from');
  render.seekToEnd = () => seekTo('to');
  /** drop forgets a wish, because the viewer has another. */
  render.drop = () => {
    clearTimeout(settle);
    aim = null;
  };
  return render;
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) {
    element.setAttribute(name, value);
  }
}
