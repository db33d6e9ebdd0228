// Going back in a class, and watching it when it has ended, in Chromium.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, lectern, openPage, SCREENS, until, untilPlaying, untilState } from './browser.mjs';
import { startFake } from './fake.mjs';

let fake;
let browser;
let names = 0;
const tests = [];

/** LONG has been on for ten minutes. */
const LONG = { state: 'live', low: true, past: 600, dvr: 0, air: 'on' };

function withPage(name, order, body, screen = SCREENS.desktop) {
  tests.push([name, async () => {
    const id = `past-${names += 1}`;
    const url = await fake.set(id, { title: name, ...order });
    const page = await openPage(browser, url, screen);
    try {
      await body(page, (more) => fake.set(id, more), `${fake.url}/live/${id}`);
      assert.deepEqual(page.faults, []);
    } finally {
      await page.context().close();
    }
  }]);
}

const timeline = (page) => page.evaluate(() => window.lectern.timeline);
const text = (page, selector) => page.locator(selector).innerText();
const spoken = (page) => page.locator('#timeline').getAttribute('aria-valuetext');

/** untilLine waits for the timeline. */
const untilLine = (page) => until(async () => (await page.locator('#seek').isHidden() ? 'no timeline' : ''));

/** untilLive waits for the live position; a machine too slow to start there jumps. */
const untilLive = (page) => until(async () => {
  await page.keyboard.press('End');
  const now = await text(page, '#moment');
  return now === 'Live' && (await lectern(page)).state === 'live' ? '' : `at ${now}: ${JSON.stringify(await lectern(page))}`;
});

/** untilBehind waits until the picture is so many seconds before the live position. */
const untilBehind = (page, least, most) => until(async () => {
  const line = await timeline(page);
  const behind = line && (line.to - line.at) / 1000;
  const now = await lectern(page);
  return line && now.state !== 'connecting' && behind >= least && behind <= most ? '' : `${behind} s behind: ${JSON.stringify(now)}`;
});

/** players counts what is loaded of each kind of playlist. */
function playlists(page) {
  const seen = new Set();
  page.on('request', (request) => {
    const [, name] = /\/([^/?]+)\.m3u8/.exec(request.url()) ?? [];
    if (name) {
      seen.add(name);
    }
  });
  return seen;
}

withPage('back by keys, and to live again', LONG, async (page) => {
  await untilPlaying(page, 1);
  await untilLine(page);
  const { from, to } = await timeline(page);
  assert.ok(to - from > 590000 && to - from < 900000, `${(to - from) / 1000} s`);
  await untilLive(page);

  // A few seconds back are in the live playlist still.
  await page.keyboard.press('j');
  await untilBehind(page, 6, 20);
  assert.equal(await page.evaluate(() => window.lectern.hls.config.lowLatencyMode), true);

  for (let i = 0; i < 12; i += 1) {
    await page.keyboard.press('ArrowLeft');
  }
  assert.match(await text(page, '#announce'), /^[2-4] minutes( \d+ seconds?)? behind live, \d/);
  const wanted = (await timeline(page)).to - 130000;
  await untilBehind(page, 115, 200);
  await untilPlaying(page, 1);
  assert.equal(await page.evaluate(() => window.lectern.hls.config.lowLatencyMode), false);
  const { at } = await timeline(page);
  assert.ok(at > wanted - 20000 && at < wanted + 40000, `${(at - wanted) / 1000} s off`);
  assert.equal((await lectern(page)).state, 'behind');
  assert.match(await text(page, '#status'), /^\d+ (s|min) behind the live lesson$/);

  await page.keyboard.press('Home');
  await untilBehind(page, 590, 900);
  await untilPlaying(page, 1);
  await untilLive(page);
  await untilPlaying(page, 1);
  assert.equal(await page.evaluate(() => window.lectern.hls.config.lowLatencyMode), true);
});

withPage('the slider', { ...LONG, storyboard: true }, async (page) => {
  await untilPlaying(page, 1);
  await untilLine(page);
  await untilLive(page);
  const slider = page.getByRole('slider', { name: 'Place in the class' });
  await slider.focus();
  assert.match(await spoken(page), /^Live$|^\d+ seconds? behind live, \d/); // a slow machine is never far
  await page.keyboard.press('PageDown');
  assert.match(await spoken(page), /^[12] minutes?( \d+ seconds?)? behind live, \d/);
  await untilBehind(page, 45, 120);
  await page.keyboard.press('Home');
  assert.match(await spoken(page), /^1\d minutes( \d+ seconds?)? behind live, \d/);
  await untilBehind(page, 590, 900);

  // With the mouse: what is there is shown before it is gone to.
  const box = await slider.boundingBox();
  const middle = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(...middle);
  await until(async () => (/^-[4-7]:\d\d$/.test(await text(page, '#tip-time')) ? '' : `the middle is ${await text(page, '#tip-time')}`));
  assert.match(await text(page, '#tip-date'), /^\d\d?:\d\d:\d\d/);
  await until(async () => {
    await page.mouse.move(middle[0] + Math.random(), middle[1]);
    return await page.locator('#tip-picture').isVisible() ? '' : 'no picture';
  });
  await page.mouse.down();
  await page.mouse.up();
  await untilBehind(page, 280, 450);
  await page.mouse.move(600, 300);
  await untilPlaying(page, 1);

  // Back to live by the button, which the focus leaves for another.
  await page.locator('#jump').focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'play');
  await untilLive(page);
});

withPage('by finger', LONG, async (page) => {
  await untilPlaying(page, 1);
  await untilLine(page);
  await page.tap('#video');
  const box = await page.locator('#timeline').boundingBox();
  assert.ok(box.height >= 44, `${box.height} px high`);
  await page.touchscreen.tap(box.x + box.width / 4, box.y + box.height / 2);
  await untilBehind(page, 400, 700);
  await untilPlaying(page, 1);
}, SCREENS.phone);

withPage('the position is exact', LONG, async (page) => {
  await untilPlaying(page, 1);
  await untilLine(page);
  // 200.4 s after the beginning, so that it is inside a segment.
  const date = await page.evaluate(() => {
    const { from } = window.lectern.timeline;
    const input = document.getElementById('timeline');
    input.value = '200';
    input.dispatchEvent(new Event('input'));
    input.dispatchEvent(new Event('change'));
    return from + 1000 * 200 * (window.lectern.timeline.to - from) / 1000 / Number(input.max);
  });
  // The first picture that is shown is the one of that date.
  await until(async () => {
    const line = await timeline(page);
    return line && Math.abs(line.at - date) < 30000 && (await lectern(page)).state === 'behind' ? '' : `at ${line?.at}, not ${date}`;
  });
  await untilPlaying(page, 0.5);
  const off = await page.evaluate((want) => {
    const video = document.querySelector('video');
    const first = video.played.start(0);
    return window.lectern.timeline.at - (video.currentTime - first) * 1000 - want;
  }, date);
  assert.ok(Math.abs(off) < 1000, `${off} ms off`);
});

withPage('never two players', LONG, async (page) => {
  await untilPlaying(page, 1);
  await untilLine(page);
  await page.keyboard.press('Home');
  await untilBehind(page, 590, 900);
  await untilPlaying(page, 1);
  const past = playlists(page);
  await untilPlaying(page, 5);
  assert.deepEqual([...past].filter((name) => !name.endsWith('-dvr') && name !== 'dvr'), [], 'loads the live playlists too');
  await untilLive(page);
  const live = playlists(page);
  await untilPlaying(page, 3);
  assert.deepEqual([...live].filter((name) => name.endsWith('-dvr')), [], 'loads the old playlists too');
});

withPage('who stops to answer the door goes on there', LONG, async (page) => {
  await untilPlaying(page, 1);
  await untilLine(page);
  await page.keyboard.press('k');
  await untilState(page, 'paused');
  const { at } = await timeline(page);
  await until(async () => ((await timeline(page)).to - at > 24000 ? '' : 'not late'));
  await page.keyboard.press('k');
  await untilPlaying(page, 1);
  const now = await timeline(page);
  assert.ok(now.at >= at - 1000 && now.at < at + 15000, `went from ${at} to ${now.at}`);
  assert.equal((await lectern(page)).state, 'behind');
});

withPage('an interruption while one is behind', LONG, async (page, set) => {
  await untilPlaying(page, 1);
  await untilLine(page);
  for (let i = 0; i < 3; i += 1) {
    await page.keyboard.press('j');
  }
  await untilBehind(page, 20, 90);
  await untilPlaying(page, 1);
  await set({ air: 'off', state: 'interrupted' });
  await untilPlaying(page, 4); // there is something left
  await set({ faults: [{ match: '.m3u8', status: 503 }] });
  await untilPlaying(page, 1);
  await set({ air: 'on', state: 'live', faults: [] });
  await untilPlaying(page, 8);
});

withPage('the end while one is behind', LONG, async (page, set) => {
  await untilPlaying(page, 1);
  await untilLine(page);
  for (let i = 0; i < 3; i += 1) {
    await page.keyboard.press('j');
  }
  await untilBehind(page, 20, 90);
  const { at } = await timeline(page);
  await set({ air: 'end', state: 'ended' });
  await untilState(page, 'recording');
  await untilPlaying(page, 5, undefined, ['recording']);
  assert.equal(await page.locator('#jump').isVisible(), false);
  await page.keyboard.press('End');
  await untilState(page, 'ended');
  assert.ok(at > 0);
  // From there it can be watched again.
  await page.waitForSelector('#again:visible');
  await page.click('#again');
  await untilState(page, 'recording');
  const line = await timeline(page);
  assert.equal(line.kind, 'recording');
  assert.ok(line.at < 30000, `began at ${line.at} ms`);
});

withPage('a recording', { ...LONG, air: 'on' }, async (page, set) => {
  await set({ air: 'end', state: 'ended' });
  await page.reload();
  await untilState(page, 'recording');
  await untilPlaying(page, 1, undefined, ['recording']);
  const line = await timeline(page);
  assert.equal(line.from, 0);
  assert.ok(line.to > 590000 && line.at < 20000, JSON.stringify(line));
  assert.match(await text(page, '#moment'), /^0:\d\d \/ 1\d:\d\d$/);
  assert.equal(await text(page, '#status'), 'Recording');
  await page.locator('#timeline').focus();
  assert.match(await spoken(page), /^\d+ seconds? of 1\d minutes \d+ seconds?$/);
  await page.keyboard.press('PageUp');
  await until(async () => ((await timeline(page)).at > 60000 ? '' : 'not there'));
  await untilPlaying(page, 1, undefined, ['recording']);
  await page.keyboard.press('End');
  await untilState(page, 'ended');
});

withPage('a class that has ended and has no recording', { state: 'ended' }, async (page) => {
  await untilState(page, 'ended');
  assert.equal(await page.locator('#again').isVisible(), false);
});

withPage('a past that is not there after all', LONG, async (page, set) => {
  await untilPlaying(page, 1);
  await untilLine(page);
  await set({ faults: [{ match: 'dvr', status: 404 }] });
  const tried = page.waitForRequest(/dvr\.m3u8/);
  await page.keyboard.press('Home');
  await tried;
  await untilLive(page);
});

describe('past', { concurrency: Number(process.env.E2E_CONCURRENCY ?? 4) }, () => {
  before(async () => {
    fake = await startFake();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await fake?.stop();
  });
  for (const [name, run] of tests) {
    test(name, { timeout: 180000 }, run);
  }
});
