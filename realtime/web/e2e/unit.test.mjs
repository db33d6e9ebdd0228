// The parts of the page that decide things, without a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { between, pause } from '../assets/watch/class-info.mjs';
import { backOff, remedy } from '../assets/watch/recovery.mjs';
import { serverClock } from '../assets/watch/server-clock.mjs';
import { countdown, startTime } from '../assets/watch/time-words.mjs';
import { shouldPlay, viewOf } from '../assets/watch/view.mjs';
import { message, seconds, spoken, status } from '../assets/watch/words.mjs';

const MINUTE = 60000;
const HOUR = 60 * MINUTE;

const idle = { started: false, advancing: false, paused: false, blocked: false, ended: false, ahead: 0, lag: null };
const playing = { ...idle, started: true, advancing: true, ahead: 2, lag: 0.2 };
const stalled = { ...idle, started: true, lag: 9 };

test('viewOf', async (t) => {
  const cases = [
    ['before', 'scheduled', idle, 'waiting'],
    ['live but nothing yet', 'live', idle, 'connecting'],
    ['playing', 'live', playing, 'live'],
    ['a little late', 'live', { ...playing, lag: 2.9 }, 'live'],
    ['late', 'live', { ...playing, lag: 3.1 }, 'behind'],
    ['late once, now less', 'live', { ...playing, lag: 2.5 }, 'behind', 'behind'],
    ['late once, now fine', 'live', { ...playing, lag: 1.9 }, 'live', 'behind'],
    ['lag unknown', 'live', { ...playing, lag: null }, 'live'],
    ['paused', 'live', { ...stalled, paused: true }, 'paused'],
    ['paused while interrupted', 'interrupted', { ...stalled, paused: true }, 'paused'],
    ['not allowed to start', 'live', { ...idle, paused: true, blocked: true }, 'paused'],
    ['stalled', 'live', stalled, 'connecting'],
    ['interrupted, still something to see', 'interrupted', playing, 'live'],
    ['interrupted', 'interrupted', stalled, 'interrupted'],
    ['opened during an interruption', 'interrupted', idle, 'interrupted'],
    ['ended, still something to see', 'ended', playing, 'live'],
    ['ended, a hiccup in the last seconds', 'ended', { ...stalled, ahead: 4 }, 'connecting'],
    ['ended', 'ended', stalled, 'ended'],
    ['opened after the end', 'ended', idle, 'ended'],
    ['the playlist knows first', 'live', { ...stalled, ended: true }, 'ended'],
    ['removed', 'live', { ...idle, gone: true }, 'connecting'],
  ];
  for (const [name, state, media, want, before] of cases) {
    await t.test(name, () => assert.equal(viewOf({ state, gone: false }, media, before), want));
  }
  await t.test('gone', () => assert.equal(viewOf({ state: 'live', gone: true }, idle), 'gone'));
  await t.test('gone but playing', () => assert.equal(viewOf({ state: 'live', gone: true }, playing), 'live'));
});

test('shouldPlay', () => {
  const cls = { state: 'live', hls: '/live/x/index.m3u8', gone: false };
  assert.equal(shouldPlay(cls, 'connecting'), true);
  assert.equal(shouldPlay({ ...cls, state: 'interrupted' }, 'interrupted'), true);
  assert.equal(shouldPlay({ ...cls, state: 'scheduled' }, 'waiting'), false);
  assert.equal(shouldPlay({ ...cls, state: 'ended' }, 'ended'), false);
  assert.equal(shouldPlay({ ...cls, hls: undefined }, 'connecting'), false);
  assert.equal(shouldPlay({ ...cls, gone: true }, 'gone'), false);
});

test('backOff grows, is bounded and never in step', () => {
  for (let n = 0; n < 2000; n += 1) {
    const low = backOff(n, () => 0);
    const high = backOff(n, () => 0.999);
    assert.ok(low >= 250 && high <= 8000 && high > low, `attempt ${n}: ${low} to ${high}`);
  }
  assert.ok(backOff(4, () => 0) > backOff(0, () => 0.999));
});

test('remedy never gives up', () => {
  for (const kind of ['network', 'media', 'stuck', 'other']) {
    for (let n = 0; n < 100; n += 1) {
      assert.ok(['reload', 'media', 'live', 'rebuild'].includes(remedy(kind, n)), `${kind} ${n}`);
    }
    assert.ok([0, 1, 2, 3, 4, 5, 6, 7].some((n) => remedy(kind, n) === 'rebuild'), `${kind} never rebuilds`);
  }
  assert.equal(remedy('media', 0), 'media');
  assert.equal(remedy('network', 0), 'reload');
});

test('pause is polite', () => {
  const soon = { startsAt: 5 * MINUTE };
  assert.deepEqual(pause('waiting', soon, 0), [2000, 5000]);
  assert.deepEqual(pause('waiting', { startsAt: null }, 0), [2000, 5000]);
  assert.ok(pause('waiting', { startsAt: 2 * HOUR }, 0)[0] >= 10000);
  assert.ok(pause('live', soon, 0)[0] >= 5000);
  assert.equal(between([2, 6], () => 0.5), 4);
});

test('serverClock believes the freshest answer', () => {
  let local = 1000;
  const clock = serverClock(() => local);
  assert.equal(clock.now(), 1000);
  clock.observe(Number.NaN, 0, 0);
  assert.equal(clock.now(), 1000);
  clock.observe(3600_900, 990, 1010); // out of a cache, 100 ms old
  clock.observe(3601_000, 990, 1010);
  clock.observe(3600_400, 990, 1010); // out of a cache, 600 ms old
  assert.equal(clock.now(), 3601_000);
  local = 2000;
  assert.equal(clock.now(), 3602_000);
  for (let i = 0; i < 20; i += 1) {
    clock.observe(2000, 2000, 2000); // the student's clock was set right
  }
  assert.equal(clock.now(), 2000);
});

test('countdown', () => {
  const cases = [[0, 'in 0 s'], [1, 'in 1 s'], [9000, 'in 9 s'], [59_001, 'in 1 min 00 s'], [754_000, 'in 12 min 34 s'],
    [2 * HOUR + 5 * MINUTE, 'in 2 h 05 min'], [47 * HOUR, 'in 47 h 00 min'], [73 * HOUR, 'in 3 days'], [-5, 'in 0 s']];
  for (const [ms, want] of cases) {
    assert.equal(countdown(ms), want);
  }
});

test('startTime', () => {
  const now = new Date(2026, 10, 24, 23, 30).getTime();
  assert.equal(startTime(new Date(2026, 10, 24, 23, 45).getTime(), now, 'en-GB'), '23:45');
  assert.equal(startTime(new Date(2026, 10, 25, 9, 5).getTime(), now, 'en-GB'), 'tomorrow, 9:05');
  // With or without the comma: locale data differ between versions.
  assert.match(startTime(new Date(2026, 11, 1, 14, 0).getTime(), now, 'en-GB'), /^Tuesday,? 1 December, 14:00$/);
  assert.match(startTime(new Date(2026, 10, 24, 14, 0).getTime(), now, 'en-US'), /^2:00\sPM$/);
});

test('words', () => {
  const cls = { startsAt: 10 * MINUTE };
  assert.equal(message('waiting', cls, 0).countdown, 'in 10 min 00 s');
  assert.equal(message('waiting', cls, 11 * MINUTE).eyebrow, 'Any moment now');
  assert.equal(message('waiting', { startsAt: null }, 0).eyebrow, 'Not started yet');
  assert.equal(message('live', cls, 0), null);
  assert.match(`${message('interrupted', cls, 0).headline} ${message('interrupted', cls, 0).detail}`,
    /^The teacher’s connection dropped\. The video continues by itself\./);
  assert.equal(message('ended', cls, 0).headline, 'This class has ended');
  assert.equal(status('live', 2.41), 'Live, 2.4 s behind');
  assert.equal(status('live', null), 'Live');
  assert.equal(status('behind', 48.3), '48 s behind the live lesson');
  assert.equal(seconds(200), '3 min');
  for (const view of ['waiting', 'connecting', 'live', 'behind', 'interrupted', 'ended', 'gone']) {
    assert.notEqual(spoken(view), '', view);
  }
});
