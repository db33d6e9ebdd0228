// What the watch page survives, in Chromium, against the fake server.

import { untilPage, untilPlaying, untilState } from './browser.mjs';
import { pass, suite } from './suite.mjs';

const { withPage, run } = suite('faults', 'fault');

const LIVE = { state: 'live', air: 'on' };

for (const [what, match, status] of [['all playlists', '.m3u8', 404], ['all playlists', '.m3u8', 503], ['the video playlist', 'v.m3u8', 503],
  ['the audio playlist', 'a.m3u8', 404], ['all segments', '.m4s', 404], ['the audio segments', '/a', 503], ['everything', '/', 503]]) {
  withPage(`${what}: ${status} for a while`, LIVE, async (page, set) => {
    await untilPlaying(page, 1);
    await set({ faults: [{ match, status }] });
    await untilState(page, 'connecting');
    await pass(3);
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
    await untilPage(page, () => () => {
      const { hls } = window.lectern; // none while it is being replaced
      hls?.trigger('hlsError', { type: 'mediaError', details: 'bufferAppendError', fatal: true, error: new Error('test') });
      return hls ? '' : 'no player';
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

run();
