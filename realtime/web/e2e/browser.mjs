// Helpers for tests that watch a class in Chromium. They know the watch page, not
// the server behind it, so that tests against any server can use them.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const ARGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

export const SCREENS = {
  desktop: { viewport: { width: 1280, height: 800 } },
  // A browser zoomed to 200 % has half as many CSS pixels, each twice as large.
  zoomed: { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  sideways: { viewport: { width: 844, height: 390 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

/**
 * launchBrowser starts Chromium; close it with browser.close().
 *
 * @param autoplay  whether pages may start with sound before a gesture
 */
export function launchBrowser({ autoplay = true, executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium', args = [] } = {}) {
  const policy = autoplay ? 'no-user-gesture-required' : 'document-user-activation-required';
  return chromium.launch({ executablePath, args: [...ARGS, `--autoplay-policy=${policy}`, ...args] });
}

/**
 * openPage opens url in a context of its own and collects what goes wrong in it:
 * page.faults lists uncaught errors and refusals of the content security policy.
 * Beware: to Chromium page.evaluate() is a gesture of the user, which allows sound.
 */
export async function openPage(browser, url, options = SCREENS.desktop) {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
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
export async function until(complain, timeout = 60000) {
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

/** untilState waits until the page is in one of the states. */
export function untilState(page, states, timeout) {
  const wanted = [states].flat();
  return until(async () => {
    const now = await lectern(page);
    return wanted.includes(now.state) ? '' : `page is ${JSON.stringify(now)}, not ${wanted.join(' or ')}`;
  }, timeout);
}

/** untilPlaying waits until the picture has moved on by `seconds`. */
export async function untilPlaying(page, seconds = 1, timeout, states = ['live', 'behind']) {
  await untilState(page, states, timeout);
  const { time: from } = await lectern(page);
  await until(async () => {
    const now = await lectern(page);
    return now.time > from + seconds && states.includes(now.state) ? '' : `played from ${from}, page is ${JSON.stringify(now)}`;
  }, timeout);
}

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
  const jumps = seen.jumps.filter(([from, to]) => to < from || to > from + NUDGE_S);
  assert.ok(jumps.length === 0 && seen.jumps.length <= NUDGES, `repeated or skipped: ${told}`);
  assert.ok(seen.longest < HICCUP_MS + 5 * seen.late, `stood still: ${told}`);
}
