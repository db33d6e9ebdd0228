// Choosing and losing renditions, in Chromium, against the fake server.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import {
  assertSmooth, choose, lectern, quality, SCREENS, throttle, until, untilPage, untilPlaying, untilState, wake, watch,
} from './browser.mjs';
import { suite } from './suite.mjs';

const { withPage, run } = suite('ladder', 'ladder');
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** LADDER offers 540p, 360p, 180p and sound alone. */
const LADDER = { state: 'live', air: 'on', ladder: true };
const WIDTHS = { 540: 960, 360: 640, 180: 320 };

const text = (page, selector) => page.locator(selector).innerText();

/** untilShown waits until the picture has a size. */
const untilShown = (page, size, timeout) => untilPage(page, (width) => () => {
  const { videoWidth } = document.querySelector('video');
  return videoWidth === width ? '' : `picture is ${videoWidth} wide, not ${width}: ${JSON.stringify(window.lectern?.quality)}`;
}, WIDTHS[size], timeout);

/** untilLeft waits for a picture that is smaller than 540p: the next size, or on a slow machine one below. */
const untilLeft = (page) => untilPage(page, (widths) => () => {
  const { videoWidth } = document.querySelector('video');
  return widths.includes(videoWidth) ? '' : `picture is ${videoWidth} wide: ${JSON.stringify(window.lectern?.quality)}`;
}, [WIDTHS[360], WIDTHS[180]]);

/** untilOffered waits until these sizes are on offer. */
const untilOffered = (page, ...sizes) => untilPage(page, (want) => () => {
  const { quality: now } = window.lectern;
  return now.sizes.join() === want ? '' : `on offer is ${JSON.stringify(now)}`;
}, sizes.join());

/** mediaOf counts the requests for media of each track from now on. */
function mediaOf(page) {
  const counts = {};
  page.on('request', (request) => {
    const [, track] = /\/([a-z])\d+\.m4s$/.exec(request.url()) ?? [];
    if (track) {
      counts[track] = (counts[track] ?? 0) + 1;
    }
  });
  return counts;
}

withPage('down and up by menu without a stall', LADDER, async (page) => {
  await untilPlaying(page, 2);
  assert.deepEqual((await quality(page)).sizes, [540, 360, 180]);
  const report = await watch(page);
  for (const size of [180, 540, 360]) {
    await choose(page, `${size}p`);
    assert.equal(await text(page, '#quality-now'), `${size}p`);
    assert.equal(await text(page, '#announce'), `Quality: ${size}p.`);
    await untilShown(page, size);
    assert.equal((await quality(page)).choice, size);
  }
  await choose(page, /^Auto/);
  await untilPlaying(page, 2);
  assert.equal(await page.evaluate(() => window.lectern.hls.autoLevelEnabled), true);
  assertSmooth(await report());
});

withPage('by keyboard alone', LADDER, async (page) => {
  await untilPlaying(page, 1);
  const button = page.locator('#quality');
  const at = () => page.evaluate(() => document.activeElement.textContent.trim());
  await button.focus();
  assert.equal(await button.getAttribute('aria-expanded'), 'false');
  await page.keyboard.press('Enter');
  assert.equal(await button.getAttribute('aria-expanded'), 'true');
  assert.match(await at(), /^Auto/);
  for (const [key, want] of [['ArrowDown', '540p'], ['ArrowUp', /^Auto/], ['ArrowUp', 'Sound only'], ['ArrowDown', /^Auto/], ['End', 'Sound only'], ['Home', /^Auto/]]) {
    await page.keyboard.press(key);
    assert.match(await at(), new RegExp(want), key);
  }
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'quality');
  assert.equal(await page.locator('#quality-menu').isVisible(), false);
  assert.equal((await quality(page)).choice, 'auto');

  await page.keyboard.press('q');
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press(' '); // chooses, and does not pause
  assert.equal((await lectern(page)).paused, false);
  await until(async () => ((await button.getAttribute('aria-label')) === 'Quality: 180p' ? '' : 'the name stays'));
  await untilShown(page, 180);

  await page.keyboard.press('ArrowUp');
  assert.equal(await at(), 'Sound only');
  await page.keyboard.press('Tab');
  assert.equal(await page.locator('#quality-menu').isVisible(), false);
  assert.notEqual(await page.evaluate(() => document.activeElement.id), 'quality');
  await page.keyboard.press('q');
  assert.equal(await page.locator('[aria-checked="true"]').innerText(), '180p');
  assert.equal(await at(), '180p');
  await page.mouse.click(600, 590);
  assert.equal(await page.locator('#quality-menu').isVisible(), false);
});

withPage('by finger on a phone', LADDER, async (page) => {
  await untilPlaying(page, 1);
  // The bar comes with a tap and goes soon.
  const open = () => until(async () => {
    await page.tap('#video');
    await page.tap('#quality', { timeout: 2000 }).catch(() => {});
    return await page.locator('#quality-menu').isVisible() ? '' : 'menu is not open';
  });
  await open();
  const box = await page.locator('#quality-menu').boundingBox();
  assert.deepEqual([box.x, Math.round(box.x + box.width), Math.round(box.y + box.height)], [0, 390, 844], 'not at the lower edge');
  await page.getByRole('menuitemradio', { name: '180p', exact: true }).tap();
  await untilShown(page, 180);
  assert.equal(await page.locator('#quality-menu').isVisible(), false);
  await open();
  await page.touchscreen.tap(200, 350); // elsewhere
  assert.equal(await page.locator('#quality-menu').isVisible(), false);
  assert.equal((await quality(page)).choice, 180);
}, { screen: SCREENS.phone });

withPage('the choice is remembered', LADDER, async (page, set) => {
  await untilPlaying(page, 1);
  await choose(page, '180p');
  await untilShown(page, 180);
  const media = mediaOf(page);
  await page.reload();
  await untilPlaying(page, 2);
  assert.equal((await lectern(page)).width, 320);
  assert.deepEqual([media.v, media.m], [undefined, undefined], 'loaded another rendition first');
  assert.equal(await text(page, '#quality-now'), '180p');

  // A class without it adapts, and the wish stays.
  await set({ withdrawn: 'l' });
  await page.reload();
  await untilPlaying(page, 1);
  assert.deepEqual((({ sizes, choice }) => ({ sizes, choice }))(await quality(page)), { sizes: [540, 360], choice: 'auto' });
  await set({ withdrawn: '' });
  await page.reload();
  await untilShown(page, 180);
});

withPage('sound only stops the video bytes', LADDER, async (page) => {
  await untilPlaying(page, 1);
  await choose(page, 'Sound only');
  await until(async () => ((await quality(page)).choice === 'sound' ? '' : 'still video'));
  await untilPlaying(page, 1);
  const media = mediaOf(page);
  await untilPlaying(page, 3);
  assert.deepEqual(Object.keys(media), ['o'], JSON.stringify(media));
  assert.equal((await lectern(page)).width, 0);
  assert.match(await text(page, '#sound-only'), /Sound only/);
  assert.equal(await text(page, '#quality-now'), 'Sound');

  const again = mediaOf(page);
  await page.reload();
  await untilPlaying(page, 1);
  assert.deepEqual(Object.keys(again), ['o'], JSON.stringify(again));

  await wake(page);
  await page.click('#video-on');
  await until(async () => ((await lectern(page)).width > 0 ? '' : 'no picture'));
  await untilPlaying(page, 1);
  assert.equal((await quality(page)).choice, 'auto');
  await until(async () => {
    await page.keyboard.press('End'); // a slow machine does not start at the live position
    const { latency } = await lectern(page);
    return latency < 8 ? '' : `${latency} s behind`;
  });
  assert.equal(await page.locator('#sound-only').isVisible(), false);
});

for (const manual of [false, true]) {
  withPage(`a gap in the rendition on screen is not seen, ${manual ? 'chosen by hand' : 'automatic'}`, LADDER, async (page, set) => {
    await untilPlaying(page, 1);
    if (manual) {
      await choose(page, '540p');
    }
    await untilShown(page, 540);
    const report = await watch(page);
    await set({ gap: 'v' });
    await untilLeft(page);
    await untilPlaying(page, 2);
    assert.equal(await page.evaluate(() => window.lectern.hls.levels.length), 3);
    await set({ gap: '' });
    await untilPlaying(page, 2);
    assertSmooth(await report());
    if (manual) {
      // It is to be had again, and the viewer had asked for it.
      await untilPlaying(page, 5); // past the gap
      await page.evaluate(() => {
        const now = performance.now.bind(performance);
        performance.now = () => now() + 60000;
      });
      await untilShown(page, 540);
    }
  });
}

withPage('a rendition that is withdrawn leaves the menu, and comes back', LADDER, async (page, set) => {
  await untilPlaying(page, 1);
  await choose(page, '540p');
  await untilShown(page, 540);
  const report = await watch(page);
  await set({ gap: 'v', withdrawn: 'v' });
  await untilLeft(page);
  await untilOffered(page, 360, 180);
  assert.equal((await quality(page)).choice, 'auto');
  assert.equal(await text(page, '#quality-now'), 'Auto');
  await page.keyboard.press('q');
  assert.equal(await page.getByRole('menuitemradio').count(), 4);
  await set({ gap: '', withdrawn: '' });
  await untilPlaying(page, 5); // past the gap
  await page.evaluate(() => window.lectern.refresh());
  await untilOffered(page, 540, 360, 180);
  assert.match(await page.evaluate(() => document.activeElement.textContent), /^Auto|540p/);
  await untilShown(page, 540); // the wish stands
  assertSmooth(await report());
});

withPage('a rendition whose files are gone is left', LADDER, async (page, set) => {
  await untilPlaying(page, 1);
  await choose(page, '540p');
  await untilShown(page, 540);
  const report = await watch(page);
  await set({ faults: [{ match: '/v', status: 404 }] });
  await untilLeft(page);
  await untilPlaying(page, 1);
  assertSmooth(await report());
});

withPage('a rendition that falls silent is left', LADDER, async (page, set) => {
  await untilPlaying(page, 1);
  await choose(page, '540p');
  await untilShown(page, 540);
  await set({ stuck: 'v' });
  await untilLeft(page);
  await untilPlaying(page, 1);
});

withPage('what was not there at first can be chosen later', { ...LADDER, withdrawn: 'l' }, async (page, set) => {
  await untilPlaying(page, 1);
  assert.deepEqual((await quality(page)).sizes, [540, 360]);
  await set({ withdrawn: '' });
  await page.evaluate(() => window.lectern.refresh());
  await untilOffered(page, 540, 360, 180);
  await choose(page, '180p');
  await untilShown(page, 180);
  await untilPlaying(page, 1);
});

withPage('a link of unknown speed gets little at first', { ...LADDER, steep: true }, async (page) => {
  const url = page.url();
  await page.goto('about:blank'); // nothing of the first visit is to be counted
  const media = mediaOf(page);
  await page.goto(url);
  await untilPlaying(page, 1);
  assert.notEqual(Object.keys(media).filter((track) => track !== 'a')[0], 'v', JSON.stringify(media));
}, {
  init: () => Object.defineProperty(navigator, 'connection', { value: undefined }),
});

withPage('a link that gets slow is followed down, and up again', LADDER, async (page) => {
  await untilPlaying(page, 1);
  await untilShown(page, 540);
  await throttle(page, 450, 60);
  await untilPage(page, () => () => (document.querySelector('video').videoWidth < 960 ? '' : 'still the largest'));
  await throttle(page, 0, 0);
  await untilShown(page, 540);
  await untilPlaying(page, 1);
});

withPage('data saver stays with the lowest rendition', LADDER, async (page) => {
  await untilPlaying(page, 3);
  assert.equal((await lectern(page)).width, 320);
  assert.equal((await quality(page)).choice, 'auto');
  await choose(page, '360p');
  await untilShown(page, 360);
}, { init: () => Object.defineProperty(navigator, 'connection', { value: { saveData: true, downlink: 10 } }) });

withPage('native HLS can be told sound only', LADDER, async (page) => {
  await untilPlaying(page, 1);
  await until(async () => (await page.locator('#quality').isHidden() ? 'no button' : ''));
  await page.keyboard.press('q');
  assert.deepEqual(await page.getByRole('menuitemradio').allInnerTexts(), ['Auto', 'Sound only']);
  await page.keyboard.press('Escape');
  await choose(page, 'Sound only');
  await until(async () => ((await page.evaluate(() => document.querySelector('video').src)).endsWith('/o.m3u8') ? '' : 'not the playlist of sound alone'));
}, {
  init: () => {
    delete window.MediaSource;
    delete window.ManagedMediaSource;
    delete window.WebKitMediaSource;
  },
});

withPage('a class without a ladder has no menu', { state: 'live', air: 'on' }, async (page) => {
  await untilPlaying(page, 1);
  await wake(page);
  assert.equal(await page.locator('#quality').isVisible(), false);
  await page.keyboard.press('q');
  assert.equal(await page.locator('#quality-menu').isVisible(), false);
});

withPage('the last picture stands in until the class is on', { state: 'scheduled', thumbnail: true }, async (page) => {
  await untilState(page, 'waiting');
  assert.match(await page.locator('video').getAttribute('poster'), /^\/live\/ladder-\d+\/thumbnail\.jpg$/);
});

for (const [name, screen, colorScheme] of [['desktop', SCREENS.desktop, 'light'], ['phone', SCREENS.phone, 'dark'], ['sideways', SCREENS.sideways, 'light'], ['zoomed', SCREENS.zoomed, 'light']]) {
  withPage(`accessible on ${name}`, LADDER, async (page) => {
    await untilPlaying(page, 1);
    await page.evaluate(axe);
    const violations = async () => (await page.evaluate(() => window.axe.run(document))).violations
      .map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`);
    await page.keyboard.press('q');
    assert.equal(await page.locator('#quality-menu').isVisible(), true);
    assert.deepEqual(await violations(), []);
    const outside = await page.evaluate(() => Array.from(document.querySelectorAll('#quality, #quality-menu, #quality-menu button'))
      .map((e) => ({ text: e.textContent, box: e.getBoundingClientRect() }))
      .filter(({ box }) => box.left < 0 || box.top < 0 || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5 || box.height < (matchMedia('(pointer: coarse)').matches ? 44 : 24))
      .map(({ text: t, box }) => `${t} ${JSON.stringify(box)}`));
    assert.deepEqual(outside, []);
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#sound-only:visible');
    assert.deepEqual(await violations(), []);
  }, { screen: { ...screen, colorScheme, reducedMotion: 'reduce' } });
}

run();
