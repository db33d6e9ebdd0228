// Going back in a class, and watching it when it has ended, in Chromium.

import assert from 'node:assert/strict';
import { lectern, SCREENS, until, untilPage, untilPlaying, untilState } from './browser.mjs';
import { pass, suite } from './suite.mjs';

const { withPage, run } = suite('past', 'past');

/** LONG has been on for ten minutes. */
const LONG = { state: 'live', low: true, past: 600, dvr: 0, air: 'on' };

const timeline = (page) => page.evaluate(() => window.lectern.timeline);
/** distance is how late the live position is, in ms. */
const distance = (page) => page.evaluate(() => window.lectern.latency() * 1000 - (window.lectern.timeline.to - window.lectern.timeline.at));
const text = (page, selector) => page.locator(selector).innerText();
const spoken = (page) => page.locator('#timeline').getAttribute('aria-valuetext');

/** untilLine waits for the timeline. */
const untilLine = (page) => untilPage(page, () => () => (document.getElementById('seek').checkVisibility() ? '' : 'no timeline'));

/** untilLive waits for the live position; a machine too slow to start there jumps. */
const untilLive = (page) => until(async () => {
  await page.keyboard.press('End');
  return page.evaluate(() => new Promise((resolve) => { setTimeout(resolve, 500); }).then(() => {
    const { state, timeline: line } = window.lectern;
    const { innerText: moment } = document.getElementById('moment');
    return moment === 'Live' && state === 'live' ? '' : `at ${moment}: ${state} ${JSON.stringify(line)}`;
  }));
});

/** untilBehind waits until the picture is so many seconds before the live position. */
const untilBehind = (page, least, most) => untilPage(page, ([from, to]) => () => {
  const { state, timeline: line } = window.lectern;
  const behind = line && (line.to - line.at) / 1000;
  return line && state !== 'connecting' && behind >= from && behind <= to ? '' : `${behind} s behind, not ${from} to ${to}`;
}, [least, most]);

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
  const lateThen = await distance(page);

  // A few seconds back are in the live playlist still.
  await page.keyboard.press('j');
  await untilBehind(page, 6, 20);
  assert.equal(await page.evaluate(() => window.lectern.hls.config.lowLatencyMode), true);

  // Whatever else is said meanwhile, this is said, too.
  await page.evaluate(() => {
    const place = document.getElementById('announce');
    window.said = [];
    new MutationObserver(() => window.said.push(place.textContent)).observe(place, { childList: true, characterData: true, subtree: true });
  });
  for (let i = 0; i < 12; i += 1) {
    await page.keyboard.press('ArrowLeft');
  }
  const said = await page.evaluate(() => window.said);
  assert.ok(said.some((words) => /^[2-4] minutes( \d+ seconds?)? behind live, \d/.test(words)), said.join('\n'));
  const wanted = (await timeline(page)).to - 130000;
  await untilBehind(page, 115, 200);
  await untilPlaying(page, 1);
  assert.equal(await page.evaluate(() => window.lectern.hls.config.lowLatencyMode), false);
  const { at } = await timeline(page);
  assert.ok(at > wanted - 20000 && at < wanted + 40000, `${(at - wanted) / 1000} s off`);
  assert.equal((await lectern(page)).state, 'behind');
  assert.match(await text(page, '#status'), /^\d+ (s|min) behind the live lesson$/);
  // The live position is where it was, although this player would keep away from it.
  const late = await distance(page);
  assert.ok(Math.abs(late - lateThen) < 2000, `live is ${late} ms late, was ${lateThen} ms`);

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
  const box = await page.locator('#timeline').boundingBox();
  assert.ok(box.height >= 44, `${box.height} px high`);
  await until(async () => {
    await page.tap('#video'); // the bar comes with a tap and goes soon
    await page.touchscreen.tap(box.x + box.width / 4, box.y + box.height / 2);
    const line = await timeline(page);
    return line && line.to - line.at > 400000 ? '' : `at ${JSON.stringify(line)}`;
  });
  await untilBehind(page, 400, 700);
  await untilPlaying(page, 1);
}, { screen: SCREENS.phone });

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
  // The first picture that the player of the past shows is the one of that date.
  await untilPage(page, () => () => {
    const video = document.querySelector('video');
    const { hls, timeline: line } = window.lectern;
    if (!hls || hls.config.lowLatencyMode || video.played.length === 0) {
      return 'has not played there';
    }
    window.firstShown = line.at - (video.currentTime - video.played.start(0)) * 1000;
    return '';
  });
  const off = await page.evaluate(() => window.firstShown) - date;
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
  await page.evaluate(() => { window.lectern.hls.config.liveMaxLatencyDuration = 10; }); // so that it takes less time
  await page.keyboard.press('k');
  await untilState(page, 'paused');
  const { at } = await timeline(page);
  await untilPage(page, (from) => () => (window.lectern.timeline.to - from > 17000 ? '' : 'not late'), at);
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
  await untilPage(page, () => () => (window.lectern.timeline.at > 60000 ? '' : 'not there'));
  await untilPlaying(page, 1, undefined, ['recording']);
  await page.keyboard.press('End');
  await untilState(page, 'ended');
});

withPage('a class that has ended and has no recording', { state: 'ended' }, async (page) => {
  await untilState(page, 'ended');
  assert.equal(await page.locator('#again').isVisible(), false);
});

withPage('a past that is long in coming', LONG, async (page, set) => {
  await untilPlaying(page, 1);
  await untilLine(page);
  await set({ faults: [{ match: '.m4s', status: 503 }] });
  await page.evaluate(() => {
    const now = performance.now.bind(performance);
    const from = now();
    performance.now = () => from + 6 * (now() - from); // the page loses its patience sooner
    const input = document.getElementById('timeline');
    input.value = '300';
    input.dispatchEvent(new Event('input'));
    input.dispatchEvent(new Event('change'));
  });
  await pass(9);
  await set({ faults: [] });
  await untilPlaying(page, 1);
  await untilBehind(page, 280, 450);
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

run();
