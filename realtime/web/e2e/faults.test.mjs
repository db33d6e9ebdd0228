// What the watch page survives, in Chromium, against the fake server.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, openPage, untilPlaying, untilState } from './browser.mjs';
import { startFake } from './fake.mjs';

let fake;
let browser;
let names = 0;
const tests = [];

/** withPage makes a class, opens its page, runs body and checks that nothing broke. */
function withPage(name, order, body) {
  tests.push([name, async () => {
    const id = `fault-${names += 1}`;
    const url = await fake.set(id, { title: name, ...order });
    const page = await openPage(browser, url);
    try {
      await body(page, (more) => fake.set(id, more));
      assert.deepEqual(page.faults, []);
    } finally {
      await page.context().close();
    }
  }]);
}

const LIVE = { state: 'live', air: 'on' };
/** pass lets time go by: how long a fault lasts, never how long to wait for a result. */
const pass = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });

for (const [what, match, status] of [['all playlists', '.m3u8', 404], ['all playlists', '.m3u8', 503], ['the video playlist', 'v.m3u8', 503],
  ['the audio playlist', 'a.m3u8', 404], ['all segments', '.m4s', 404], ['the audio segments', '/a', 503], ['everything', '/', 503]]) {
  withPage(`${what}: ${status} for a while`, LIVE, async (page, set) => {
    await untilPlaying(page, 1);
    await set({ faults: [{ match, status }] });
    await untilState(page, 'connecting');
    await pass(5);
    await set({ faults: [] });
    await untilPlaying(page, 3);
  });
}

withPage('junk for segments is survived', LIVE, async (page, set) => {
  await untilPlaying(page, 1);
  await set({ faults: [{ match: '.m4s', status: 200, times: 8 }] });
  await untilPlaying(page, 10);
});

withPage('junk for playlists is survived', LIVE, async (page, set) => {
  await untilPlaying(page, 1);
  await set({ faults: [{ match: '.m3u8', status: 200 }] });
  await untilState(page, 'connecting');
  await set({ faults: [] });
  await untilPlaying(page, 3);
});

withPage('junk for the init segments', { state: 'live' }, async (page, set) => {
  await set({ faults: [{ match: 'init', status: 200, times: 2 }], air: 'on' });
  await untilPlaying(page, 2);
});

withPage('media errors are recovered from', LIVE, async (page) => {
  await untilPlaying(page, 1);
  for (let i = 0; i < 3; i += 1) {
    await page.evaluate(() => {
      const { hls } = window.lectern;
      hls.trigger('hlsError', { type: 'mediaError', details: 'bufferAppendError', fatal: true, error: new Error('test') });
    });
    await pass(0.5);
  }
  await untilPlaying(page, 2);
});

withPage('a player that silently stops is restarted', LIVE, async (page) => {
  await untilPlaying(page, 1);
  await page.evaluate(() => window.lectern.hls.stopLoad());
  await untilState(page, 'connecting');
  await untilPlaying(page, 2);
});

// Most of the time nothing happens but time: a few at once.
describe('faults', { concurrency: Number(process.env.E2E_CONCURRENCY ?? 4) }, () => {
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
