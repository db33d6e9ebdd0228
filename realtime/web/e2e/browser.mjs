// Helpers for tests that watch a class in Chromium. They know the watch page, not
// the server behind it, so that tests against any server can use them.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const ARGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** Nothing is waited for longer than this unless a test says so. No test passes or fails by speed. */
const PATIENCE_MS = 60000;

export const SCREENS = {
  desktop: { viewport: { width: 1280, height: 800 } },
  /** For tests that are not about looks: a smaller picture costs the machine less. */
  window: { viewport: { width: 960, height: 600 } },
  // A browser zoomed to 200 % has half as many CSS pixels, each twice as large.
  zoomed: { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  sideways: { viewport: { width: 844, height: 390 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

/**
 * launchBrowser starts Chromium; close it with browser.close(). The shell is the same
 * engine without a browser's windows, which cost as much again as the page.
 *
 * @param autoplay  whether pages may start with sound before a gesture
 */
export function launchBrowser({ autoplay = true, executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell', args = [] } = {}) {
  const policy = autoplay ? 'no-user-gesture-required' : 'document-user-activation-required';
  return chromium.launch({ executablePath, args: [...ARGS, `--autoplay-policy=${policy}`, ...args] });
}

/**
 * openPage opens url in a context of its own and collects what goes wrong in it:
 * page.faults lists uncaught errors and refusals of the content security policy.
 * Beware: to Chromium page.evaluate() is a gesture of the user, which allows sound.
 * Nothing is animated, because animations cost the machine more than the video does.
 */
export async function openPage(browser, url, options = SCREENS.desktop) {
  const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(error.stack || String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|Refused to/.test(message.text())) {
      page.faults.push(message.text());
    }
  });
  await page.goto(url);
  return page;
}

/** lectern reads what the watch page tells about itself. */
export function lectern(page) {
  return page.evaluate(() => {
    const video = document.querySelector('video');
    return {
      state: window.lectern?.state ?? null,
      latency: window.lectern?.latency() ?? null,
      hls: Boolean(window.lectern?.hls),
      time: video.currentTime,
      paused: video.paused,
      muted: video.muted,
      rate: video.playbackRate,
      width: video.videoWidth,
    };
  });
}

/**
 * until polls `complain` until it returns '' and fails with its last complaint.
 */
export async function until(complain, timeout = PATIENCE_MS) {
  const end = Date.now() + timeout;
  for (;;) {
    const complaint = await complain();
    if (!complaint) {
      return;
    }
    if (Date.now() > end) {
      throw new Error(`after ${timeout / 1000} s: ${complaint}`);
    }
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}

/**
 * untilPage is until for what the page itself can tell, which costs far less and sees
 * it all at one moment. look is run in the page, so that it knows nothing but arg; the
 * function that it returns is called until that returns ''.
 */
export async function untilPage(page, look, arg = null, timeout = PATIENCE_MS) {
  const complaint = await page.evaluate(`(${poll})((${look})(${JSON.stringify(arg)}), ${timeout})`);
  if (complaint) {
    throw new Error(`after ${timeout / 1000} s: ${complaint}: ${JSON.stringify(await lectern(page))}`);
  }
}

/** poll runs in the page. */
async function poll(complain, timeout) {
  let over = false;
  setTimeout(() => { over = true; }, timeout);
  for (;;) {
    const complaint = complain();
    if (complaint === '' || over) {
      return complaint;
    }
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

/** untilState waits until the page is in one of the states. */
export function untilState(page, states, timeout) {
  return untilPage(page, (wanted) => () => (wanted.includes(window.lectern?.state) ? '' : `not ${wanted.join(' or ')}`), [states].flat(), timeout);
}

/**
 * untilPlaying waits until one player has shown so many seconds, without what it
 * jumped over.
 */
export function untilPlaying(page, seconds = 1, timeout = undefined, states = ['live', 'behind']) {
  return untilPage(page, ([least, wanted]) => {
    const video = document.querySelector('video');
    let player;
    let time = 0;
    let at = 0;
    let played = -1; // until the state is right
    return () => {
      const right = wanted.includes(window.lectern?.state);
      const now = performance.now();
      if (played < 0 || player !== window.lectern.hls) {
        played = right ? 0 : -1;
        player = window.lectern?.hls;
      } else if (video.currentTime > time && video.currentTime - time < 0.3 + 2 * (now - at) / 1000) {
        played += video.currentTime - time;
      }
      time = video.currentTime;
      at = now;
      return right && played >= least ? '' : `played ${played} s, not ${least} s, or not ${wanted.join(' or ')}`;
    };
  }, [seconds, states], timeout);
}

/**
 * pictureClock runs in the page. It reads the strip of 32 blocks along the top of the
 * picture: the milliseconds since 1970, modulo 2^32, at which the frame was made. It
 * returns them whole, or null when the picture has no such strip.
 */
export function pictureClock() {
  const video = document.querySelector('video');
  if (!video || !video.videoWidth || video.readyState < 2) {
    return null;
  }
  const block = Math.floor(video.videoWidth / 2 / 32);
  const canvas = document.createElement('canvas');
  canvas.width = block * 32;
  canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const middle = Math.round(video.videoHeight / 90); // the strip is a 45th of the picture
  context.drawImage(video, 0, middle, canvas.width, 1, 0, 0, canvas.width, 1);
  const now = Date.now();
  const pixels = context.getImageData(0, 0, canvas.width, 1).data;
  let value = 0;
  for (let i = 0; i < 32; i += 1) {
    const level = pixels[(i * block + Math.floor(block / 2)) * 4];
    if (level > 80 && level < 175) {
      return null; // neither black nor white
    }
    value = value * 2 + (level > 127 ? 1 : 0);
  }
  const delay = (now % 2 ** 32) - value;
  return now - (delay < -(2 ** 31) ? delay + 2 ** 32 : delay);
}

/** readClock tells how many ms ago the frame was made, or null; see pictureClock. */
export const readClock = (page) => page.evaluate(`((made) => (made === null ? null : Date.now() - made))((${pictureClock})())`);

/** quality reads what there is to choose and what is in force. */
export const quality = (page) => page.evaluate(() => window.lectern.quality);

/** wake brings the buttons back, as people do. */
export async function wake(page) {
  await page.mouse.move(400, 200);
  await page.mouse.move(410, 210);
}

/** choose takes an entry of the quality menu by its whole name, or by a pattern. */
export async function choose(page, name) {
  await page.locator('#quality').press('Enter'); // the bar does not hide under the keyboard
  await page.getByRole('menuitemradio', { name, exact: true }).click();
}

const links = new WeakMap(); // page -> its debugger session: each has limits of its own

/** throttle limits the page's network to kbit/s, with so many ms before each answer; 0 and 0 is no limit. */
export async function throttle(page, kbits, latency) {
  if (!links.has(page)) {
    links.set(page, await page.context().newCDPSession(page));
    await links.get(page).send('Network.enable');
  }
  const bytes = kbits === 0 ? -1 : kbits * 125;
  await links.get(page).send('Network.emulateNetworkConditions', { offline: false, latency, downloadThroughput: bytes, uploadThroughput: bytes });
}

/**
 * watch notes what a viewer would notice from now on. The function it returns ends
 * that and tells:
 *
 *   jumps    [from, to] in seconds of media: words that were repeated or lost
 *   longest  the longest standstill in ms
 *   late     how late the page's own timer was at worst, in ms: what the machine is
 *            to blame for
 */
export async function watch(page) {
  await page.evaluate(() => {
    const video = document.querySelector('video');
    const seen = { jumps: [], longest: 0, late: 0 };
    const EVERY = 50;
    let time = video.currentTime;
    let movedAt = performance.now();
    let at = movedAt;
    // Without a jump the time on screen goes on by itself or not at all.
    const jump = () => seen.jumps.push([time, video.currentTime]);
    video.addEventListener('seeking', jump);
    const timer = setInterval(() => {
      const now = performance.now();
      seen.late = Math.max(seen.late, now - at - EVERY);
      if (video.currentTime !== time) {
        movedAt = now;
      }
      seen.longest = Math.max(seen.longest, now - movedAt);
      time = video.currentTime;
      at = now;
    }, EVERY);
    window.stopWatching = () => {
      clearInterval(timer);
      video.removeEventListener('seeking', jump);
      return seen;
    };
  });
  return () => page.evaluate(() => window.stopWatching());
}

/** A standstill of this many ms may be the browser's own, beside what the machine is to blame for. */
const HICCUP_MS = 1200;

/** hls.js helps a decoder that stands still with nudges of so many seconds, and a slow machine needs one now and then. */
const NUDGE_S = 0.11;
const NUDGES = 2;

/** assertSmooth fails for what somebody in class would have missed. */
export function assertSmooth(seen) {
  const told = JSON.stringify(seen);
  const moved = seen.jumps.filter(([from, to]) => to !== from);
  const far = moved.filter(([from, to]) => to < from || to > from + NUDGE_S);
  assert.ok(far.length === 0 && moved.length <= NUDGES, `repeated or skipped: ${told}`);
  assert.ok(seen.longest < HICCUP_MS + 5 * seen.late, `stood still: ${told}`);
}
