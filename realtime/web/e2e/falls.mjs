// How long a viewer stands still on a link that becomes slower, again and again:
//
//   node falls.mjs [FALLS [PAGES]]
//
// Each fall goes from a good link to one of 1000 and one of 550 kbit/s, over a ladder
// of 1200, 750 and 330, sound included, as the end-to-end test of the server does.

import { launchBrowser, lectern, openPage, throttle, untilPlaying, watch } from './browser.mjs';
import { startFake } from './fake.mjs';

const [falls = 12, pages = 4] = process.argv.slice(2).map(Number);
const LATENCY_MS = 40;
const pass = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });

const fake = await startFake();
const browser = await launchBrowser();
const results = [];

/** trace keeps what there was to play, for the worst fall. */
const trace = (page) => page.evaluate(() => {
  const video = document.querySelector('video');
  const line = [];
  const began = performance.now();
  const at = () => ((performance.now() - began) / 1000).toFixed(2);
  const { hls: one } = window.lectern;
  for (const name of ['hlsFragLoading', 'hlsFragLoaded', 'hlsFragLoadEmergencyAborted', 'hlsError', 'hlsLevelSwitching']) {
    one.on(name, (_, { frag, part, details, level }) => line.push(`${at()} ${name} ${details && typeof details === 'string' ? details : ''} ${frag?.type} ${frag?.level ?? level} sn ${frag?.sn} part ${part?.index}`));
  }
  video.addEventListener('seeking', () => line.push(`${at()} SEEKING to ${video.currentTime}`));
  const timer = setInterval(() => {
    const { hls } = window.lectern;
    const end = (buffered) => Array.from({ length: buffered.length }, (__, i) => `${(buffered.start(i) - video.currentTime).toFixed(2)}…${(buffered.end(i) - video.currentTime).toFixed(2)}`).join(',');
    line.push([((performance.now() - began) / 1000).toFixed(1), end(video.buffered), hls.loadLevel, video.videoWidth, video.playbackRate,
      Math.round(hls.bandwidthEstimate / 1000), hls.latency.toFixed(1), hls.targetLatency?.toFixed(1)].join(' '));
  }, 250);
  window.stopTrace = () => {
    clearInterval(timer);
    return line;
  };
});

async function fall(n) {
  const url = await fake.set(`fall-${n}`, { title: 'fall', state: 'live', ladder: true, heavy: true, low: true, past: 40 + (n % 7) * 0.3, air: 'on' });
  const page = await openPage(browser, url);
  try {
    await untilPlaying(page, 4);
    await throttle(page, 1000, LATENCY_MS);
    await trace(page);
    const report = await watch(page);
    await pass(10 + (n % 4) * 0.5);
    const first = (await lectern(page)).width;
    await throttle(page, 550, LATENCY_MS);
    await pass(14);
    const seen = await report();
    const second = (await lectern(page)).width;
    const { latency } = await lectern(page);
    results.push({ ...seen, first, second, latency, line: await page.evaluate(() => window.stopTrace()) });
    const { longest, late, jumps } = seen;
    console.log(`${n}: ${Math.round(longest)} ms, timers ${Math.round(late)} ms late, jumps ${JSON.stringify(jumps)}, ${first} then ${second}, ${latency.toFixed(1)} s behind`);
  } finally {
    await page.context().close();
  }
}

try {
  let next = 0;
  await Promise.all(Array.from({ length: pages }, async () => {
    while (next < falls) {
      next += 1;
      await fall(next);
    }
  }));
} finally {
  await browser.close();
  await fake.stop();
}
results.sort((a, b) => b.longest - a.longest);
console.log(results.map((r) => Math.round(r.longest)).join(' '));
if (process.env.TRACE) {
  console.log(results[0].line.join('\n'));
}
