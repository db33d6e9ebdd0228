// The watch page in Chromium, against the fake server.

import assert from 'node:assert/strict';
import { launchBrowser, lectern, openPage, SCREENS, until, untilPage, untilPlaying, untilState, wake } from './browser.mjs';
import { pass, suite } from './suite.mjs';

const { add, withPage, run } = suite('watch page', 'class');

const LIVE = { state: 'live', air: 'on' };

/** untilLive waits for the state live; a machine too slow to start there jumps. */
const untilLive = (page) => until(async () => {
  await page.keyboard.press('End');
  const { state } = await lectern(page);
  return state === 'live' ? '' : `page is ${state}`;
});

/** click moves the mouse first, as people do, which brings the buttons back; they stay while it is on them. */
async function click(page, selector) {
  await until(async () => {
    await wake(page);
    // On a slow machine they are gone again before the mouse is there.
    return page.locator(selector).hover({ timeout: 3000 }).then(() => '', (error) => `not reached: ${error.message}`);
  });
  await page.locator(selector).click();
}
const visible = (page, selector) => page.locator(selector).isVisible();
const text = (page, selector) => page.locator(selector).innerText();

withPage('plays and says how late it is', LIVE, async (page) => {
  await untilPlaying(page, 2);
  await untilLive(page);
  const now = await lectern(page);
  assert.equal(now.hls, true);
  assert.ok(now.latency > 0.5 && now.latency < 30, `latency ${now.latency}`);
  await until(async () => {
    await page.keyboard.press('End');
    const said = await page.evaluate(() => ['status', 'behind'].map((id) => document.getElementById(id).innerText).join());
    return /^Live, (\d\.\d s behind),\1$/.test(said) ? '' : said;
  });
  assert.equal(await page.title(), 'plays and says how late it is · Lectern');
  assert.equal(await visible(page, '#captions'), false);
  await until(async () => (await text(page, '#announce') === 'The class is live.' ? '' : 'not announced'));
  await assert.rejects(page.evaluate(() => { 'use strict'; window.lectern.state = 'x'; }));
});

withPage('waits for the class and starts by itself', { state: 'scheduled', starts_in: 115 }, async (page, set) => {
  await untilState(page, 'waiting');
  assert.match(await text(page, '#overlay'), /STARTS AT\s+\d\d?:\d\d\s+in 1 min \d\d s/i);
  assert.equal(await visible(page, '#bar'), false);
  await set({ state: 'live' }); // no segment yet: the playlist is a 404
  await untilState(page, 'connecting');
  await set({ air: 'on' });
  await untilPlaying(page, 2);
});

withPage('a student’s clock an hour off does not matter', LIVE, async (page) => {
  await page.addInitScript(() => {
    const real = Date.now;
    Date.now = () => real() - 3600000;
  });
  await page.reload();
  await untilPlaying(page, 1);
  const { latency } = await lectern(page);
  assert.ok(latency > 0.5 && latency < 60, `latency ${latency}`);
});

withPage('an interruption ends by itself', LIVE, async (page, set) => {
  await untilPlaying(page, 1);
  await set({ air: 'off', state: 'interrupted' });
  await untilState(page, 'interrupted');
  assert.match(await text(page, '#overlay'), /The teacher’s connection dropped\.\s+The video continues by itself\./);
  const { time } = await lectern(page);
  await set({ faults: [{ match: '.m3u8', status: 503, times: 12 }] }); // what a held request comes to
  await pass(12);
  await set({ air: 'on', state: 'live' });
  await untilPlaying(page, 3);
  const now = await lectern(page);
  assert.ok(now.time > time, `went back from ${time} to ${now.time}`);
});

withPage('opened during an interruption', { ...LIVE }, async (page, set) => {
  await untilPlaying(page, 1);
  await set({ air: 'off', state: 'interrupted' });
  await untilState(page, 'interrupted');
  await page.reload();
  await untilState(page, 'interrupted');
  await set({ air: 'on', state: 'live' });
  await untilPlaying(page, 2);
});

withPage('a reload goes on', LIVE, async (page) => {
  await untilPlaying(page, 1);
  await page.reload();
  await untilPlaying(page, 2);
});

withPage('says that the class has ended', LIVE, async (page, set) => {
  await untilPlaying(page, 1);
  await set({ air: 'end', state: 'ended' });
  await untilState(page, 'ended');
  assert.match(await text(page, '#overlay'), /This class has ended/);
  assert.equal(await visible(page, '#bar'), false);
  await page.reload();
  await untilState(page, 'ended');
});

withPage('the end tag alone is enough', LIVE, async (page, set) => {
  await untilPlaying(page, 1);
  await set({ air: 'end' });
  await untilState(page, 'ended');
});

withPage('ended although the playlist has gone', LIVE, async (page, set) => {
  await untilPlaying(page, 1);
  await set({ air: 'off', state: 'ended', faults: [{ match: '.m3u8', status: 404 }] });
  await untilState(page, 'ended');
});

withPage('a removed class says so', { state: 'scheduled' }, async (page, set) => {
  await untilState(page, 'waiting');
  await set({ remove: true });
  await untilState(page, 'gone');
  assert.match(await text(page, '#overlay'), /no longer here/);
});

withPage('pause, fall behind, jump to live', LIVE, async (page) => {
  await untilPlaying(page, 1);
  await click(page, '#play');
  await untilState(page, 'paused');
  await until(async () => (await page.locator('#play').getAttribute('aria-label') === 'Play' ? '' : 'button still says pause'));
  await page.waitForSelector('#jump:visible');
  await click(page, '#play');
  await untilPage(page, () => () => {
    const { innerText } = document.getElementById('status');
    return window.lectern.state === 'behind' && /^\d+(\.\d)? s behind the live lesson$/.test(innerText) ? '' : innerText;
  });
  await click(page, '#jump');
  await untilLive(page);
  await untilPlaying(page, 1);
});

withPage('after a long pause it returns to live', LIVE, async (page) => {
  await untilPlaying(page, 1);
  await page.keyboard.press('k');
  await untilPage(page, () => () => (window.lectern.latency() > 11 ? '' : 'not yet late'));
  // Not before: a player that is late enough jumps although it is paused.
  await page.evaluate(() => { window.lectern.hls.config.liveMaxLatencyDuration = 8; });
  await page.keyboard.press('k');
  await untilPlaying(page, 1);
  await untilPage(page, () => () => (window.lectern.latency() < 8.5 ? '' : 'still late'));
});

withPage('keyboard', { ...LIVE, captions: true }, async (page) => {
  await untilPlaying(page, 1);
  await page.keyboard.press('m');
  assert.equal((await lectern(page)).muted, true);
  await until(async () => (await page.locator('#mute').getAttribute('aria-label') === 'Unmute' ? '' : 'button still says mute'));
  await page.keyboard.press('M');
  assert.equal((await lectern(page)).muted, false);
  await page.keyboard.press(' ');
  await untilState(page, 'paused');
  await page.keyboard.press('k');
  await untilPlaying(page, 0.5);
  await page.keyboard.press('f');
  await until(async () => (await page.evaluate(() => document.fullscreenElement?.id === 'stage') ? '' : 'not full screen'));
  await page.keyboard.press('f');
  await until(async () => (await page.evaluate(() => document.fullscreenElement === null) ? '' : 'still full screen'));
  await page.keyboard.press('?');
  assert.equal(await visible(page, '#help'), true);
  await page.keyboard.press('k'); // belongs to the dialog
  assert.equal((await lectern(page)).paused, false);
  await page.locator('#shortcuts-on').uncheck();
  await page.keyboard.press('Escape');
  await page.keyboard.press('k');
  assert.equal((await lectern(page)).paused, false);
  await page.reload();
  await untilPlaying(page, 1);
  await page.keyboard.press('k');
  assert.equal((await lectern(page)).paused, false, 'the choice was forgotten');
});

withPage('space belongs to a focused button', LIVE, async (page) => {
  await untilPlaying(page, 1);
  await page.locator('#mute').focus();
  await page.keyboard.press(' ');
  const now = await lectern(page);
  assert.deepEqual([now.muted, now.paused], [true, false]);
});

withPage('captions', { ...LIVE, captions: true }, async (page) => {
  await untilPlaying(page, 1);
  await page.waitForSelector('#captions:visible', { state: 'attached' });
  assert.equal(await page.locator('#captions').getAttribute('aria-pressed'), 'false');
  await page.keyboard.press('c');
  await untilPage(page, () => () => {
    const track = Array.from(document.querySelector('video').textTracks).find((t) => t.mode === 'showing');
    const cue = track?.activeCues?.[0]?.text ?? '';
    return /^This is second \d+ of the lecture\.$/.test(cue) ? '' : `caption is "${cue}"`;
  });
  await until(async () => (await page.locator('#captions').getAttribute('aria-pressed') === 'true' ? '' : 'not said to be on'));
  await page.keyboard.press('c');
  await until(async () => (await page.locator('#captions').getAttribute('aria-pressed') === 'false' ? '' : 'still on'));
});

withPage('the buttons hide, but not from the keyboard', LIVE, async (page) => {
  await untilPlaying(page, 1);
  const isIdle = async () => (await page.locator('#stage').getAttribute('data-idle')) === 'true';
  await until(async () => {
    await wake(page);
    return await isIdle() ? 'buttons do not come back' : '';
  });
  await until(async () => (await isIdle() ? '' : 'buttons do not hide'));
  await page.keyboard.press('Tab');
  assert.equal(await isIdle(), false);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'play');
  await pass(4);
  assert.equal(await isIdle(), false, 'hidden while focused');
});

withPage('native HLS where there is nothing else', LIVE, async (page) => {
  await page.addInitScript(() => {
    delete window.MediaSource;
    delete window.ManagedMediaSource;
    delete window.WebKitMediaSource;
  });
  await page.reload();
  await untilPlaying(page, 2);
  assert.equal((await lectern(page)).hls, false);
});

for (const [name, screen] of [['laptop', SCREENS.window], ['phone', SCREENS.phone]]) {
  add(`without leave to make sound on a ${name}`, async ({ fake }) => {
    const strict = await launchBrowser({ autoplay: false });
    try {
      const page = await openPage(strict, await fake.set(`silent-${name}`, LIVE), screen);
      await page.waitForRequest(/m4s/); // by then it has tried to play; see openPage
      await untilPlaying(page, 1);
      assert.equal((await lectern(page)).muted, true);
      assert.equal(await text(page, '#sound'), 'Tap for sound');
      await (screen.hasTouch ? page.tap('#sound') : page.click('#sound'));
      assert.equal((await lectern(page)).muted, false);
      assert.equal(await visible(page, '#sound'), false);
      await untilPlaying(page, 1);
      assert.deepEqual(page.faults, []);
    } finally {
      await strict.close();
    }
  });
}

withPage('even muted start forbidden: a button starts it', { state: 'live' }, async (page, set) => {
  await page.addInitScript(() => {
    const { play } = HTMLMediaElement.prototype;
    let gesture = false;
    window.addEventListener('pointerdown', () => { gesture = true; }, true);
    HTMLMediaElement.prototype.play = function () {
      return gesture ? play.call(this) : Promise.reject(new DOMException('no', 'NotAllowedError'));
    };
  });
  await page.reload();
  await set({ air: 'on' });
  await page.waitForSelector('#big-play:visible');
  await page.click('#big-play');
  await untilPlaying(page, 1);
});

withPage('class.json is asked for politely', { state: 'scheduled' }, async (page) => {
  let asked = 0;
  page.on('request', (request) => { asked += request.url().endsWith('/class.json'); });
  await untilState(page, 'waiting');
  const began = Date.now();
  await until(() => (asked >= 3 ? '' : `asked ${asked} times`));
  const passed = (Date.now() - began) / 1000;
  assert.ok(asked <= 1.1 + passed / 2, `asked ${asked} times in ${passed} s`);
});

run();
