// Somebody who goes back in a class and watches it again, against any server: opens
// the watch page of a class that is live, goes to its beginning and back to live,
// waits for its end and plays the recording. The end-to-end tests of the program can
// run it.
//
//   node past-viewer.mjs URL
//
// URL may have a token (#t=…): then nothing may be asked for without it. Each step is a
// line of JSON {step, state, latency, behind, clock}: latency is how old the page says
// the picture is, behind how far from the live position, in s, and clock how old the
// picture itself says it is, in ms, or null; see readClock. After the step "live again"
// the class has to be ended. The last line is {ok: true}, with exit code 0, or
// {ok: false, error} with 1.

import assert from 'node:assert/strict';
import { launchBrowser, openPage, readClock, SCREENS, until, untilPage, untilPlaying, untilState } from './browser.mjs';

const [url] = process.argv.slice(2);
/** The class needs so much past, in s, that going back is more than a seek in the live playlist. */
const PAST_S = 30;
/** What the page and the picture say of the picture's age may differ by so much, in s: the way to the server. */
const WAY_S = 5;
const PATIENCE_MS = 120000;

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** told says what there is to see, and checks that the picture is as old as the page says. */
async function told(page, step) {
  const seen = await page.evaluate(() => {
    const { state, timeline: line } = window.lectern;
    return { state, latency: window.lectern.latency(), behind: line && (line.to - line.at) / 1000 };
  });
  const clock = await readClock(page);
  tell({ step, ...seen, clock });
  assert.ok(clock === null || seen.latency === null || Math.abs(clock / 1000 - seen.latency) < WAY_S, `a picture of ${clock} ms ago`);
}

/** untilAt waits until the player of the past, or the live one, shows a picture so many seconds behind. */
const untilAt = (page, past, least, most, timeout = PATIENCE_MS) => untilPage(page, ([wantPast, from, to]) => () => {
  const { state, hls, timeline: line } = window.lectern;
  const behind = line && (line.to - line.at) / 1000;
  return hls && hls.config.lowLatencyMode !== wantPast && state === (wantPast ? 'behind' : 'live') && behind >= from && behind <= to
    ? '' : `${behind} s behind, not ${from} to ${to}`;
}, [past, least, most], timeout);

/** toLive goes there; a slow machine may need more than one try. */
const toLive = (page) => until(async () => {
  await page.keyboard.press('End');
  return untilAt(page, false, -5, 5, 3000).then(() => '', (error) => error.message);
}, PATIENCE_MS);

const playing = (page, state) => untilPlaying(page, 2, PATIENCE_MS, [state]);

async function watchAgain(page) {
  await untilPlaying(page, 2, PATIENCE_MS);
  await untilPage(page, (least) => () => {
    const { timeline: line } = window.lectern;
    return line && line.to - line.from > least * 1000 ? '' : `has ${JSON.stringify(line)}`;
  }, PAST_S, PATIENCE_MS);
  await toLive(page);
  await told(page, 'live');

  await page.keyboard.press('Home');
  await untilAt(page, true, PAST_S - 5, 86400);
  await playing(page, 'behind');
  await told(page, 'past');

  await toLive(page);
  await playing(page, 'live');
  await told(page, 'live again');

  await untilState(page, 'ended', PATIENCE_MS);
  await page.waitForSelector('#again:visible', { timeout: PATIENCE_MS });
  await page.click('#again');
  await playing(page, 'recording');
  await told(page, 'again');

  await page.reload(); // who comes now sees the recording at once
  await playing(page, 'recording');
  const { from, to, at } = await page.evaluate(() => window.lectern.timeline);
  assert.ok(from === 0 && to > PAST_S * 1000 && at < to / 2, `from ${from}, to ${to}, at ${at}`);
  await page.keyboard.press('l');
  await untilPage(page, (least) => () => (window.lectern.timeline?.at > least ? '' : 'not there'), at + 8000, PATIENCE_MS);
  await playing(page, 'recording');
  await told(page, 'recording');
  await page.keyboard.press('End');
  await untilState(page, 'ended', PATIENCE_MS);
}

const browser = await launchBrowser();
let answer = { ok: true };
try {
  const page = await openPage(browser, 'about:blank', SCREENS.window);
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(url);
  await watchAgain(page);
  assert.deepEqual(page.faults, []);
  if (url.includes('#')) {
    assert.equal(page.url(), url.replace(/#.*/, ''), 'the token stays in the address');
    const open = asked.filter((path) => /\.(m3u8|m4s|mp4|vtt|jpg)$/.test(path) && !path.startsWith('/t/'));
    assert.deepEqual(open, [], 'asked for without the token');
  }
} catch (error) {
  answer = { ok: false, error: error.message };
}
tell(answer);
await browser.close();
process.exitCode = answer.ok ? 0 : 1;
