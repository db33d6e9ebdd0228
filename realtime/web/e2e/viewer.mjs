// A viewer on a string: opens a watch page in Chromium and does what the lines on
// standard input say, one JSON answer a line. The end-to-end tests of the program
// drive it.
//
//   node viewer.mjs URL [SCREEN]
//   look                  {state, latency, time, …, clock: delay read off the picture in ms, or null}
//   screenshot FILE       {}
//   quality               {sizes, sound, playing, choice}: what there is to choose
//   choose NAME           {}, by the quality menu: "Auto", "480p", "Sound only"
//   throttle KBITS MS     {}, the link from now on; 0 0 is no limit
//   watch                 {}, begins to note standstills, repetitions and skips
//   seen                  {jumps, longest, late} since then, see watch in browser.mjs
//   reload                {}
//   quit

import { createInterface } from 'node:readline';
import { choose, launchBrowser, lectern, openPage, quality, readClock, SCREENS, throttle, watch } from './browser.mjs';

const [url, screen = 'desktop'] = process.argv.slice(2);

const browser = await launchBrowser();
const page = await openPage(browser, url, SCREENS[screen]);

let report = () => ({});
const actions = {
  look: async () => ({ ...(await lectern(page)), clock: await readClock(page), faults: page.faults }),
  screenshot: async (path) => {
    await page.mouse.move(640, 500); // brings the controls up
    await page.screenshot({ path });
    return {};
  },
  quality: () => quality(page),
  choose: async (name) => {
    // "Auto" says in brackets what it plays at the moment.
    await choose(page, name === 'Auto' ? /^Auto/ : name);
    return {};
  },
  throttle: async (limits) => {
    const [kbits, latency] = limits.split(' ').map(Number);
    await throttle(page, kbits, latency);
    return {};
  },
  watch: async () => {
    report = await watch(page);
    return {};
  },
  seen: () => report(),
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
