// A teacher in the studio and a student on the watch page, in two windows of Chromium,
// against any server. They do what the lines on standard input say, one JSON answer a
// line; an answer with an error is the last. The end-to-end tests of the program drive
// it.
//
//   node show.mjs STUDIO WATCH
//   enter SECONDS   {behind, problems}: both are there, the student so far behind; what
//                   the teacher is told of the stream
//   chat NAME       {}: each of them has written something, the student by that name,
//                   and read what the other wrote
//   read TEXT       {}: both have read that
//   open PROMPT     {poll, at}: the teacher has opened a poll
//   seen            {known, shown, wait, late}: what the student saw of it, see witness
//   vote OPTION     {}: the student has voted and come back, and the vote is there
//   tally VOTES     {numbers}: what the teacher is told of the options, when so many have voted
//   reveal          {numbers}: what the student is told of them, when the poll is over
//   end             {}: the teacher has ended the class, the student is told
//   close           {}: the teacher has closed the room
//   recording       {}: the student watches the recording
//   replay CLOCK    {shown, wait, late}: the student has gone to some seconds before the
//                   picture with that burned-in time, and seen the poll come, see reader
//   screenshot DIR  {}
//   quit            {faults}

import { createInterface } from 'node:readline';
import { launchBrowser, openPage, pictureClock, SCREENS, until, untilPage, untilPlaying, untilState } from './browser.mjs';

const [studio, watch] = process.argv.slice(2);
const PATIENCE_MS = 90000;

const browser = await launchBrowser();
const teacher = await openPage(browser, studio, SCREENS.desktop);
const student = await openPage(browser, watch, SCREENS.desktop);
for (const page of [teacher, student]) {
  page.setDefaultTimeout(PATIENCE_MS);
}

/** behind is how far the student is from the end of the timeline, in s, or null. */
const behind = () => student.evaluate(() => {
  const { timeline: line } = window.lectern;
  return line && (line.to - line.at) / 1000;
});

/**
 * witness notes in the student's page, many times a second,
 *
 *   known  the first look at which the page knew of an open poll: { clock, shown }
 *   shown  the first at which the student could vote; clock is the time that is burned
 *          into the picture, in ms since 1970
 *   wait   how many looks there were in between
 *   late   the longest time between two looks in ms: what the machine is to blame for
 */
function witness(clock) {
  const seen = { known: null, shown: null, wait: 0, late: 0 };
  let last = performance.now();
  function look() {
    const now = performance.now();
    if (seen.known !== null && seen.shown === null) {
      seen.late = Math.max(seen.late, now - last);
    }
    last = now;
    const sight = { clock: clock(), shown: document.querySelector('.ballot') !== null };
    if (sight.clock === null || seen.shown !== null) {
      return;
    }
    if (seen.known === null && window.lecternRoom.polls.some((poll) => poll.state === 'open')) {
      seen.known = sight;
    }
    if (sight.shown) {
      seen.shown = sight;
    } else if (seen.known !== null) {
      seen.wait += 1;
    }
  }
  setInterval(look, 40);
  new MutationObserver(look).observe(document.getElementById('stage'), { childList: true, subtree: true });
  window.seen = seen;
}

/**
 * reader notes when the poll comes beside the recording, as witness does: wait is how
 * many looks there were before, shown the first that saw it.
 */
function reader(clock) {
  const seen = { shown: null, wait: 0, late: 0 };
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    const at = clock();
    if (at === null || seen.shown !== null) {
      return;
    }
    const shown = document.querySelector('#replay-log .poll-past') !== null;
    if (seen.wait > 0) {
      seen.late = Math.max(seen.late, now - last);
    }
    last = now;
    if (shown) {
      seen.shown = { clock: at, shown };
    } else {
      seen.wait += 1;
    }
  }, 40);
  window.seen = seen;
}

async function write(page, text, name = null) {
  await page.locator('#chat-text:enabled').fill(text);
  await page.locator('#chat-text').press('Enter');
  if (name !== null) {
    await page.locator('#name').fill(name);
    await page.locator('#name').press('Enter');
  }
}

const read = (page, text) => page.locator('#log .body').getByText(text, { exact: true }).waitFor();
const numbers = (box) => box.locator('.number').allInnerTexts();

const actions = {
  async enter(seconds) {
    await untilPlaying(student, 1, PATIENCE_MS);
    await untilPlaying(teacher, 1, PATIENCE_MS);
    await untilPage(student, (least) => () => {
      const { timeline: line } = window.lectern;
      return line && line.to - line.from > least * 1000 ? '' : 'has too little past';
    }, Number(seconds) + 10, PATIENCE_MS);
    await student.locator('#timeline').evaluate((line, back) => {
      line.value = String(Number(line.max) - back);
      line.dispatchEvent(new Event('input', { bubbles: true }));
      line.dispatchEvent(new Event('change', { bubbles: true }));
    }, Number(seconds));
    await untilPlaying(student, 1, PATIENCE_MS, ['behind']);
    for (const page of [teacher, student]) {
      await page.locator('#chat-text:enabled').waitFor();
    }
    return { behind: await behind(), problems: await teacher.locator('#problems li').allInnerTexts() };
  },
  async chat(name) {
    await write(teacher, 'Good morning everybody');
    await read(student, 'Good morning everybody');
    await write(student, 'Good morning', name);
    await read(teacher, 'Good morning');
    await teacher.locator('.message .author').getByText(name, { exact: true }).waitFor();
  },
  read: (text) => Promise.all([read(teacher, text), read(student, text)]),
  async open(prompt) {
    await teacher.locator('#poll-new').click();
    await teacher.locator('.poll-form select').first().selectOption('abcd');
    await teacher.getByRole('textbox', { name: 'Question' }).fill(prompt);
    await teacher.getByRole('button', { name: 'Save', exact: true }).click();
    await teacher.locator('.poll.is-draft select').selectOption('0');
    await student.evaluate(`(${witness})(${pictureClock})`);
    await teacher.getByRole('button', { name: 'Open', exact: true }).click();
    await teacher.locator('.poll.is-open').waitFor();
    await untilPage(student, () => () => (window.lecternRoom.polls.length > 0 ? '' : 'knows of no poll'), null, PATIENCE_MS);
    return student.evaluate(() => {
      const [{ id, openedAt }] = window.lecternRoom.polls;
      return { poll: id, at: openedAt };
    });
  },
  async seen() {
    await student.locator('.ballot').waitFor();
    await untilPage(student, () => () => (window.seen.shown ? '' : 'was not seen'), null, PATIENCE_MS);
    return student.evaluate(() => window.seen);
  },
  async vote(option) {
    await student.locator('.ballot').getByLabel(option, { exact: true }).check();
    await student.getByRole('button', { name: 'Vote', exact: true }).click();
    await student.getByText(`Your vote: ${option}`).waitFor();
    await student.reload();
    await student.getByText(`Your vote: ${option}`).waitFor();
    await untilPlaying(student, 1, PATIENCE_MS);
  },
  async tally(votes) {
    const poll = teacher.locator('.poll').first();
    const want = `${Number(votes).toLocaleString('en-GB')} votes`;
    await until(async () => {
      const got = await poll.locator('.voters').innerText();
      return got === want ? '' : `${got}, not ${want}`;
    }, PATIENCE_MS);
    return { numbers: await numbers(poll) };
  },
  async reveal() {
    await teacher.locator('.poll').getByRole('button', { name: 'Close' }).click();
    await student.getByRole('heading', { name: 'Poll closed' }).waitFor();
    await teacher.getByRole('button', { name: 'Show the results' }).click();
    await student.getByRole('heading', { name: 'Results' }).waitFor();
    return { numbers: await numbers(student.locator('.poll-card')) };
  },
  async end() {
    await teacher.locator('#end-open').click();
    await teacher.locator('#end-now').click();
    await teacher.locator('#air').getByText('Ended').waitFor();
    await untilState(student, 'ended', PATIENCE_MS);
  },
  async close() {
    await teacher.getByRole('button', { name: 'Close the room now' }).click();
    await teacher.getByRole('button', { name: 'Close the room now' }).waitFor({ state: 'detached' });
  },
  async recording() {
    await student.reload();
    await untilPlaying(student, 2, PATIENCE_MS, ['recording']);
  },
  async replay(clock) {
    await student.locator('#replay-log').waitFor();
    let now = null;
    await until(async () => {
      now = await student.evaluate(`(${pictureClock})()`);
      return now === null ? 'the picture shows no clock' : '';
    }, PATIENCE_MS);
    await student.locator('#timeline').evaluate((line, on) => {
      line.value = String(Number(line.value) + on);
      line.dispatchEvent(new Event('input', { bubbles: true }));
      line.dispatchEvent(new Event('change', { bubbles: true }));
    }, (Number(clock) - now) / 1000 - 5);
    await untilPlaying(student, 1, PATIENCE_MS, ['recording']);
    await student.evaluate(`(${reader})(${pictureClock})`);
    await untilPage(student, () => () => (window.seen.shown ? '' : 'was not seen'), null, PATIENCE_MS);
    return student.evaluate(() => ({ ...window.seen, said: [...document.querySelectorAll('#replay-log .body')].map((body) => body.textContent) }));
  },
  async screenshot(path) {
    await teacher.screenshot({ path: `${path}-studio.png` });
    await student.screenshot({ path: `${path}-watch.png` });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...rest] = line.trim().split(' ');
  if (name === 'quit') {
    break;
  }
  let answer;
  try {
    answer = (await actions[name](rest.join(' '))) ?? {};
  } catch (error) {
    answer = { error: `${name}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify({ ...answer, faults: [...teacher.faults, ...student.faults] })}\n`);
}
await browser.close();
