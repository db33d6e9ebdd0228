// Pictures of the room and of the studio, to be looked at:
//
//   node room-screenshots.mjs FOLDER [NAME...]

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { launchBrowser, openPage, SCREENS, untilPlaying } from './browser.mjs';
import { startFake } from './fake.mjs';
import { guests } from './guests.mjs';

const [folder, ...only] = process.argv.slice(2);
await mkdir(folder, { recursive: true });

const LOOKS = {
  desktop: SCREENS.desktop,
  dark: { ...SCREENS.desktop, colorScheme: 'dark' },
  phone: SCREENS.phone,
  'phone-dark': { ...SCREENS.phone, colorScheme: 'dark' },
};

/** furnish fills a room as a lecture does. */
async function furnish({ say, role }) {
  const host = role('Dr Ada Byron', 'host');
  const lines = [
    ['Ann Smith', 'Good morning everybody'], ['Ben Okafor', 'The sound is perfect today'], ['Chiara Rossi', 'Is the second slide in the script as well?'],
    ['Elif Yılmaz', 'Thank you!'], ['Fatima', 'שלום לכולם'], ['Grace Lee', 'Does chlorophyll b absorb in the same band? I always mix the two up and the book is not clear about it at all.'], ['Hugo', 'The Calvin cycle again…'],
  ];
  const ids = [];
  for (const [name, text] of lines) {
    ids.push((await say(name, 'chat.send', { text })).id);
  }
  await say('Dmitri', 'chat.send', { text: 'Yes, page 41.', reply_to: ids[2] });
  await host('chat.send', { text: 'The slides are online now: https://example.edu/bio/7' });
  await host('chat.pin', { message: ids[2], pinned: true });
  await host('announce', { text: 'There is a break of ten minutes at 10:30.' });
  const one = (await say('Ann Smith', 'question.ask', { text: 'Why is the second photosystem called “two” if it comes first in the chain?' })).id;
  const two = (await say('Dmitri', 'question.ask', { text: 'Will the reaction equations be part of the exam?', anonymous: true })).id;
  const three = (await say('Grace Lee', 'question.ask', { text: 'Could you go back to the picture of the membrane?' })).id;
  for (const [name, question] of [['Ben Okafor', two], ['Chiara Rossi', two], ['Hugo', two], ['Fatima', two], ['Ben Okafor', one], ['Hugo', one]]) {
    await say(name, 'question.vote', { question, up: true });
  }
  await host('question.move', { question: three, state: 'answering' });
  await say('Elif Yılmaz', 'hand.raise');
  await say('Hugo', 'hand.raise');
  await host('poll.save', { kind: 'scale', prompt: 'How sure are you now?', options: ['not at all', 'very'], min: 1, max: 5, results: 'after' });
  return { host };
}

async function quiz({ host, say }) {
  const { id } = await host('poll.save', { kind: 'single', prompt: 'Which light does chlorophyll reflect?', options: ['Red', 'Green', 'Blue', 'All of it'], correct: [1], quiz: true, results: 'after' });
  await host('poll.open', { poll: id, seconds: 60 });
  const votes = [1, 1, 1, 0, 2, 1, 3, 1];
  for (const [i, choice] of votes.entries()) {
    await say(['Ann Smith', 'Ben Okafor', 'Chiara Rossi', 'Dmitri', 'Elif Yılmaz', 'Fatima', 'Grace Lee', 'Hugo'][i], 'poll.vote', { poll: id, choices: [choice] });
  }
  return id;
}

const SHOTS = {
  'watch-chat': async () => {},
  'watch-questions': async ({ page }) => { await page.locator('#tab-questions').click(); },
  'watch-poll': async ({ page, host, say }) => {
    await quiz({ host, say });
    await page.locator('.ballot').waitFor();
  },
  'watch-results': async ({ page, host, say }) => {
    const id = await quiz({ host, say });
    await page.getByLabel('Green').check();
    await page.getByRole('button', { name: 'Vote' }).click();
    await page.locator('.your-vote').waitFor();
    await host('poll.close', { poll: id });
    await host('poll.reveal', { poll: id });
    await page.locator('.verdict').waitFor();
  },
  'watch-lost': async ({ page }) => {
    await page.context().setOffline(true);
    await page.evaluate(() => window.lecternRoom.drop());
    await page.locator('#room-state:visible').waitFor();
  },
  'studio-chat': async ({ page, host, say }) => {
    await quiz({ host, say });
    if (await page.locator('#tab-class').isVisible()) {
      await page.locator('#tab-chat').click();
    }
  },
  'studio-questions': async ({ page, host, say }) => {
    await quiz({ host, say });
    await page.locator('#tab-questions').click();
  },
  'studio-hands': async ({ page }) => { await page.locator('#tab-hands').click(); },
  'studio-polls': async ({ page, host, say }) => {
    await quiz({ host, say });
    if (await page.locator('#tab-polls').isVisible()) {
      await page.locator('#tab-polls').click();
    }
    await page.locator('.poll.is-open').scrollIntoViewIfNeeded();
  },
  'studio-composer': async ({ page }) => {
    if (await page.locator('#tab-polls').isVisible()) {
      await page.locator('#tab-polls').click();
    }
    await page.locator('#poll-new').click();
    await page.locator('.poll-form select').first().selectOption('abcd');
    await page.getByText('Quiz: there is a right answer').click();
  },
  'studio-class': async () => {},
  'studio-waiting': async ({ page }) => { await page.locator('#setup:visible').waitFor(); },
};

const fake = await startFake();
const browser = await launchBrowser();
let n = 0;
try {
  for (const [look, options] of Object.entries(LOOKS)) {
    for (const [name, reach] of Object.entries(SHOTS)) {
      if (only.length > 0 && !only.some((o) => `${name}-${look}`.includes(o))) {
        continue;
      }
      const id = `shot-${n += 1}`;
      const waiting = name === 'studio-waiting';
      const url = await fake.set(id, { title: 'Cell biology, lecture 7', state: waiting ? 'scheduled' : 'live', air: waiting ? '' : 'on', low: true, room: true, viewers: waiting ? 0 : 1873 });
      const people = guests(fake, id);
      const { host } = await furnish(people);
      const page = await openPage(browser, name.startsWith('studio') ? `${fake.url}/studio/${id}#k=open-sesame` : url, { reducedMotion: 'reduce', ...options });
      await page.locator('#chat-text:enabled').waitFor({ state: 'attached' });
      if (!waiting) {
        await untilPlaying(page, 0.5);
      }
      await reach({ page, host, say: people.say });
      await page.mouse.move(2, 2);
      await page.waitForTimeout(4200); // the buttons over the picture go
      await page.screenshot({ path: join(folder, `${name}-${look}.png`) });
      await page.context().close();
    }
  }
} finally {
  await browser.close();
  await fake.stop();
}
