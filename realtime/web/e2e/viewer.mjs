// A viewer on a string: opens a watch page in Chromium and does what the lines on
// standard input say, one JSON answer a line. The end-to-end tests of the program
// drive it.
//
//   node viewer.mjs URL [SCREEN]
//   look                  {state, latency, time, …, clock: delay read off the picture in ms, or null}
//   screenshot FILE       {}
//   reload                {}
//   quit

import { createInterface } from 'node:readline';
import { launchBrowser, lectern, openPage, SCREENS } from './browser.mjs';

const [url, screen = 'desktop'] = process.argv.slice(2);

/**
 * readClock reads the strip of 32 blocks along the top of the picture: the
 * milliseconds since 1970, modulo 2^32, at which the frame was made. It returns
 * how long ago that was, or null when the picture has no such strip.
 */
function readClock(page) {
  return page.evaluate(() => {
    const video = document.querySelector('video');
    if (!video || !video.videoWidth || video.readyState < 2) {
      return null;
    }
    const block = Math.floor(video.videoWidth / 2 / 32);
    const canvas = document.createElement('canvas');
    canvas.width = block * 32;
    canvas.height = 8;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(video, 0, 4, canvas.width, 8, 0, 0, canvas.width, 8);
    const now = Date.now();
    const pixels = context.getImageData(0, 4, canvas.width, 1).data;
    let value = 0;
    for (let i = 0; i < 32; i += 1) {
      const level = pixels[(i * block + Math.floor(block / 2)) * 4];
      if (level > 80 && level < 175) {
        return null; // neither black nor white
      }
      value = value * 2 + (level > 127 ? 1 : 0);
    }
    const delay = (now % 2 ** 32) - value;
    return delay < -(2 ** 31) ? delay + 2 ** 32 : delay;
  });
}

const browser = await launchBrowser();
const page = await openPage(browser, url, SCREENS[screen]);

const actions = {
  look: async () => ({ ...(await lectern(page)), clock: await readClock(page), faults: page.faults }),
  screenshot: async (path) => {
    await page.mouse.move(640, 500); // brings the controls up
    await page.screenshot({ path });
    return {};
  },
  reload: async () => {
    await page.reload();
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...rest] = line.trim().split(' ');
  if (name === 'quit') {
    break;
  }
  let answer;
  try {
    answer = await actions[name](rest.join(' '));
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
