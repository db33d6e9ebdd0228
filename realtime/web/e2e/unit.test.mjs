// The parts of the page that decide things, without a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expected, frugal } from '../assets/watch/bandwidth.mjs';
import { between, lockOf, pause } from '../assets/watch/class-info.mjs';
import { offersOf, parseMultivariant, sizeOf } from '../assets/watch/multivariant.mjs';
import { dateOf, firstDate, positionOf } from '../assets/watch/program-date.mjs';
import { entries, inForce, readChoice, short, spokenChoice } from '../assets/watch/quality-choice.mjs';
import { backOff, remedy } from '../assets/watch/recovery.mjs';
import { serverClock } from '../assets/watch/server-clock.mjs';
import { parseStoryboard, pictureAt } from '../assets/watch/storyboard.mjs';
import { countdown, startTime } from '../assets/watch/time-words.mjs';
import { fromFragment, readToken, renewalOf, withoutToken, withToken } from '../assets/watch/token-text.mjs';
import { shouldPlay, viewOf } from '../assets/watch/view.mjs';
import { clock as clockWords, lengthWords, message, moment, momentWords, seconds, spoken, status } from '../assets/watch/words.mjs';

const MINUTE = 60000;
const HOUR = 60 * MINUTE;

const idle = { started: false, advancing: false, paused: false, blocked: false, ended: false, ahead: 0, lag: null, replay: false };
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
  cases.push(
    ['in the past', 'live', { ...playing, lag: 300, replay: true }, 'behind'],
    ['in the past, near live', 'live', { ...playing, lag: 1, replay: true }, 'behind'],
    ['in the past, not known how far', 'live', { ...playing, lag: null, replay: true }, 'behind'],
    ['on the way to the past', 'live', { ...idle, replay: true }, 'connecting'],
    ['in the past of a class that has ended', 'ended', { ...playing, lag: null, replay: true, finished: true }, 'recording'],
    ['a recording', 'ended', { ...playing, lag: null, replay: true, finished: true }, 'recording'],
    ['a recording, sought', 'ended', { ...stalled, lag: null, replay: true }, 'connecting'],
    ['a recording, paused', 'ended', { ...stalled, lag: null, paused: true, replay: true }, 'paused'],
    ['a recording at its end', 'ended', { ...stalled, lag: null, ended: true, replay: true }, 'ended'],
  );
  for (const [name, state, media, want, before] of cases) {
    await t.test(name, () => assert.equal(viewOf({ state, gone: false }, media, before), want));
  }
  await t.test('locked', () => assert.equal(viewOf({ state: 'live', gone: false, locked: 'needed' }, idle), 'locked'));
  await t.test('locked, still something to see', () => assert.equal(viewOf({ state: 'live', gone: false, locked: 'expired' }, playing), 'live'));
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
  assert.equal(shouldPlay({ ...cls, locked: 'expired' }, 'connecting'), false);
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
  assert.ok(pause('locked', { state: 'live', startsAt: null }, 0)[0] >= 30000);
  assert.ok(pause('ended', { state: 'ended', startsAt: null }, 0)[0] >= 30000);
  assert.ok(pause('ended', { state: 'live', startsAt: null }, 0)[1] <= 5000, 'the playlist knew first');
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

test('sizeOf', () => {
  const cases = [[{ width: 1280, height: 720 }, 720], [{ width: 720, height: 1280 }, 720], [{ width: 2560, height: 1080 }, 1080], [{}, 0]];
  for (const [picture, want] of cases) {
    assert.equal(sizeOf(picture), want);
  }
});

test('parseMultivariant', () => {
  const text = [
    '#EXTM3U', '#EXT-X-VERSION:9', '#EXT-X-INDEPENDENT-SEGMENTS',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",URI="audio/index.m3u8"',
    '#EXT-X-STREAM-INF:BANDWIDTH=700000,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=30.000,AUDIO="audio"',
    '360p/index.m3u8',
    '#EXT-X-STREAM-INF:BANDWIDTH=4000000,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=1920x1080,AUDIO="audio",X-ODD="a,b=c"',
    '', '# a comment', 'source/index.m3u8',
    '#EXT-X-STREAM-INF:BANDWIDTH=600000,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,AUDIO="audio"',
    'low/index.m3u8',
    '#EXT-X-STREAM-INF:BANDWIDTH=70000,CODECS="mp4a.40.2"',
    '/elsewhere/audio-only/index.m3u8',
    '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,RESOLUTION=640x360,URI="360p/iframes.m3u8"',
  ].join('\r\n');
  const base = 'https://live.example.edu/t/abc/live/maths/';
  assert.deepEqual(parseMultivariant(text, `${base}index.m3u8`), {
    rungs: [
      { url: `${base}source/index.m3u8`, size: 1080, bitrate: 4000000 },
      { url: `${base}360p/index.m3u8`, size: 360, bitrate: 700000 },
    ],
    urls: [`${base}source/index.m3u8`, `${base}360p/index.m3u8`, `${base}low/index.m3u8`],
    sound: 'https://live.example.edu/elsewhere/audio-only/index.m3u8',
  });
  for (const junk of ['', '<html>', '#EXTM3U', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1', 'a\nb']) {
    assert.equal(parseMultivariant(junk, base), null);
  }
  assert.deepEqual(offersOf([]), { rungs: [], urls: [], sound: null });
});

test('readChoice', () => {
  const cases = [[null, 'auto'], ['', 'auto'], ['auto', 'auto'], ['sound', 'sound'], ['720', 720], ['0', 'auto'], ['-5', 'auto'], ['99999', 'auto'], ['{"a":1}', 'auto']];
  for (const [text, want] of cases) {
    assert.equal(readChoice(text), want, text);
  }
});

test('inForce', () => {
  const have = { sizes: [720, 360], sound: true };
  const cases = [[720, have, 720], [480, have, 'auto'], ['sound', have, 'sound'], ['sound', { ...have, sound: false }, 'auto'], ['auto', have, 'auto'], [720, { sizes: [], sound: false }, 'auto']];
  for (const [wish, offer, want] of cases) {
    assert.equal(inForce(wish, offer), want);
  }
});

test('entries', () => {
  const texts = (quality) => entries(quality).map((e) => (e.checked ? `*${e.text}` : e.text));
  const all = { sizes: [1080, 480], sound: true, playing: 480, choice: 'auto' };
  assert.deepEqual(texts(all), ['*Auto (480p)', '1080p', '480p', 'Sound only']);
  assert.deepEqual(texts({ ...all, choice: 1080 }), ['Auto', '*1080p', '480p', 'Sound only']);
  assert.deepEqual(texts({ ...all, playing: null, choice: 'sound' }), ['Auto', '1080p', '480p', '*Sound only']);
  assert.deepEqual(texts({ ...all, sizes: [1080] }), ['*Auto (480p)', 'Sound only']);
  assert.deepEqual(texts({ ...all, sizes: [1080], sound: false }), []);
  assert.deepEqual(texts({ ...all, sizes: [1080, 480], sound: false }), ['*Auto (480p)', '1080p', '480p']);
  for (const choice of ['auto', 'sound', 480]) {
    assert.notEqual(short(choice), '');
    assert.match(spokenChoice(choice), /\.$/);
  }
});

test('expected', () => {
  const cases = [[null, undefined, 1e6], [null, {}, 1e6], [null, { downlink: 10 }, 3e6], [null, { downlink: 1.2 }, 600e3], [null, { downlink: 0.1 }, 300e3], [777, { downlink: 10 }, 777]];
  for (const [measured, connection, want] of cases) {
    assert.equal(expected(measured, connection), want);
  }
  assert.deepEqual([frugal(undefined), frugal({}), frugal({ saveData: true })], [false, false, true]);
});

test('tokens', () => {
  const text = 'v1.k2.1000.5000.abcdefgh1.bio-2.Zm9v_-';
  assert.deepEqual(readToken(text), { text, issued: 1000e3, expires: 5000e3, cls: 'bio-2' });
  assert.equal(renewalOf(readToken(text)), 4000e3);
  for (const bad of [null, '', 'v2.k2.1000.5000.abcdefgh1.bio.x', 'v1.k2.1000.abcdefgh1.bio.x', 'v1.k2.1000.5000.short.bio.x', 'v1.k2.x.5000.abcdefgh1.bio.x',
    'v1.k2.1000.5000.abcdefgh1.a/b.x', `${text}/../..`, `${text}?x`]) {
    assert.equal(readToken(bad), null, String(bad));
  }
  assert.equal(fromFragment(`#t=${text}`), text);
  assert.equal(fromFragment('#elsewhere'), null);
  for (const [plain, guarded] of [
    ['/live/bio/index.m3u8', `/t/${text}/live/bio/index.m3u8`],
    ['https://cdn.example/live/bio/s1.m4s?_HLS_msn=4', `https://cdn.example/t/${text}/live/bio/s1.m4s?_HLS_msn=4`],
    ['/api/v1/classes', '/api/v1/classes'],
    ['https://cdn.example/x?u=/live/', 'https://cdn.example/x?u=/live/'],
  ]) {
    assert.equal(withToken(plain, text), guarded);
    assert.equal(withoutToken(guarded), plain);
    assert.equal(withToken(withToken(plain, 'v1.old'), text), guarded);
  }
  assert.equal(lockOf({ access: 'public', hls: '/x' }, { has: false }), null);
  assert.equal(lockOf({ access: 'token', hls: '/x' }, { has: true }), null);
  assert.equal(lockOf({ access: 'token' }, { has: false }), 'needed');
  assert.equal(lockOf({ access: 'token' }, { has: true }), 'expired');
});

test('dates of a playlist', () => {
  // Ten seconds, an interruption of a minute, and two more.
  const list = [0, 2, 4, 6, 8].map((start) => ({ start, duration: 2, programDateTime: 1000 * start }));
  list.push({ start: 10, duration: 2, programDateTime: 70000 });
  for (const [date, want] of [[-5000, 0], [0, 0], [3500, 3.5], [9999, 9.999], [10000, 10], [40000, 10], [70000, 10], [71500, 11.5], [72000, null]]) {
    assert.equal(positionOf(list, date), want, String(date));
  }
  for (const [position, want] of [[-1, -1000], [0, 0], [3.5, 3500], [10, 70000], [11, 71000], [13, 73000]]) {
    assert.equal(dateOf(list, position), want, String(position));
  }
  assert.equal(dateOf([], 3), null);
  assert.equal(dateOf([{ start: 0, duration: 2, programDateTime: null }], 1), null);
  assert.equal(firstDate('#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2030-03-04T09:00:16.100Z\n#EXTINF:2,\nx\n#EXT-X-PROGRAM-DATE-TIME:2031-01-01T00:00:00Z\n'), Date.UTC(2030, 2, 4, 9, 0, 16, 100));
  assert.equal(firstDate('#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2030-03-'), null);
  assert.equal(firstDate('#EXTM3U\n'), null);
});

test('storyboards', () => {
  const text = 'WEBVTT\n\n2030-03-04T09:00:00.000Z\n00:00:00.000 --> 00:00:10.000\nsheet-1.jpg#xywh=0,0,160,90\n\n'
    + '2030-03-04T09:00:10.000Z\n00:00:10.000 --> 00:00:20.000\nsheet-1.jpg#xywh=160,0,160,90\n\n'
    + 'chapter\n00:00:10.000 --> 00:00:20.000\nsheet-1.jpg#xywh=160,0,160,90\n\nNOTE nothing\n\n00:00:20.000 --> 00:00:30.000\ntext\n';
  const cues = parseStoryboard(text, 'https://x/live/bio/storyboard.vtt');
  assert.equal(cues.length, 2);
  const at = Date.UTC(2030, 2, 4, 9);
  assert.equal(pictureAt(cues, at - 1), null);
  assert.equal(pictureAt(cues, at + 9999).x, 0);
  assert.deepEqual(pictureAt(cues, at + 60000), { date: at + 10000, url: 'https://x/live/bio/sheet-1.jpg', x: 160, y: 0, width: 160, height: 90 });
});

test('words of the timeline', () => {
  for (const [ms, want] of [[0, '0:00'], [5000, '0:05'], [-65000, '-1:05'], [3845000, '1:04:05'], [-400, '0:00']]) {
    assert.equal(clockWords(ms), want);
  }
  for (const [ms, want] of [[0, '0 seconds'], [1000, '1 second'], [62000, '1 minute 2 seconds'], [7200000, '2 hours'], [3661000, '1 hour 1 minute 1 second']]) {
    assert.equal(lengthWords(ms), want);
  }
  const past = { kind: 'past', from: 0, to: 600000, at: 0 };
  assert.equal(moment(past, 599000), 'Live');
  assert.equal(moment(past, 540000), '-1:00');
  assert.equal(momentWords(past, 599000, 0), 'Live');
  assert.match(momentWords(past, 540000, Date.UTC(2030, 2, 4, 9)), /^1 minute behind live, \d/);
  const recording = { kind: 'recording', from: 0, to: 600000, at: 0 };
  assert.equal(moment(recording, 65000), '1:05 / 10:00');
  assert.equal(momentWords(recording, 65000, null), '1 minute 5 seconds of 10 minutes');
});
