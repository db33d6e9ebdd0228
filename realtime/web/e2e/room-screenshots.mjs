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
  narrow: { ...SCREENS.phone, viewport: { width: 320, height: 568 } },
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
  'watch-hard': async ({ page, host, say }) => {
    // What people do to a page: long names and words, right to left, emoji, walls of text.
    const long = 'Maximiliane-Charlotte Wolfeschlegelsteinh';
    await say(long, 'chat.send', { text: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft '.repeat(2) });
    await say('محمد عبد الله', 'chat.send', { text: 'هل يمكنك إعادة الشرح من فضلك؟ see page 41' });
    await say('🦋🌸 Zoë', 'chat.send', { text: '👍👍👍' });
    const { id } = await say('Ben Okafor', 'chat.send', { text: 'a\nb\nc\nd' });
    const me = await page.evaluate(() => window.lecternRoom.me);
    await say(long, 'chat.send', { text: 'Can you help me, @you?', mentions: [me], reply_to: id });
    const poll = (await host('poll.save', { kind: 'multiple', prompt: 'Which of these statements about the light reactions of photosynthesis in higher plants are true, according to what we have heard so far?', options: ['They take place in the thylakoid membrane of the chloroplasts, and nowhere else in the cell', 'They need carbon dioxide', 'هي تحتاج إلى الماء', 'They give off oxygen', 'They make ATP', 'None of them'], results: 'after' })).id;
    await host('poll.open', { poll, seconds: 300 });
    await page.locator('.ballot').waitFor();
  },
  'watch-empty': async () => {},
  'watch-flood': async ({ say }) => {
    for (let i = 0; i < 120; i += 1) {
      await say(`Guest ${i}`, 'chat.send', { text: `message ${i}` });
    }
  },
  'watch-mention': async ({ page }) => { await page.locator('#chat-text').pressSequentially('Thank you @'); },
  'watch-slow': async ({ page, host }) => {
    await host('room.set', { slow_mode_s: 30, chat: 'hosts' });
    await page.getByText('Only the teacher writes here now').waitFor();
  },
  'watch-paused': async ({ page, host }) => {
    await host('room.set', { paused: true });
    await page.getByText('The teacher has paused the room.').waitFor();
  },
  'watch-failed': async ({ page, host }) => {
    await page.locator('#chat-text').fill('Look at https://example.edu/x');
    await page.locator('#chat-text').press('Enter');
    await page.locator('#name').fill('Ida');
    await page.locator('#name').press('Enter');
    await page.locator('.failed').waitFor();
    await host('announce', { text: 'A second announcement, which is somewhat longer than the first one was, since there is much to say.' });
  },
  'watch-name': async ({ page }) => { await page.locator('#name-change').click(); },
  'watch-cloud': async ({ page, host, say }) => {
    const { id } = await host('poll.save', { kind: 'cloud', prompt: 'One word for today?', results: 'live' });
    await host('poll.open', { poll: id });
    for (const [i, text] of ['light', 'light', 'light', 'green', 'green', 'membrane', 'energy', 'photosystem'].entries()) {
      await say(`Guest ${i}`, 'poll.vote', { poll: id, text });
    }
    await page.locator('.ballot input').fill('leaf');
    await page.getByRole('button', { name: 'Vote' }).click();
    await page.locator('.cloud li').first().waitFor();
  },
  'watch-scale': async ({ page, host }) => {
    const { id } = await host('poll.save', { kind: 'scale', prompt: 'How sure are you now?', options: ['not at all', 'completely'], min: 0, max: 10, results: 'after' });
    await host('poll.open', { poll: id, seconds: 60 });
    await page.locator('.ballot').waitFor();
  },
  'watch-word': async ({ page, host }) => {
    await page.locator('#hand').click();
    await page.getByText(/^You are/).waitFor();
    const me = await page.evaluate(() => window.lecternRoom.me);
    await host('hand.call', { participant: me });
    await page.locator('#word:visible').waitFor();
  },
  'watch-excluded': async ({ page, host }) => {
    const me = await page.evaluate(() => window.lecternRoom.me);
    await host('moderate', { participant: me, action: 'ban' });
    await page.locator('#room-state').getByText('You were excluded').waitFor();
  },
  'moderator-chat': async ({ page }) => {
    await page.locator('#settings summary').click();
    const row = page.locator('.message', { hasText: 'Hugo' }).first();
    await row.focus();
    await row.getByRole('button', { name: 'Moderate Hugo' }).press('Enter');
  },
  'moderator-hands': async ({ page, host }) => {
    await host('moderate', { participant: `p_${Buffer.from('Hugo').toString('hex')}`, action: 'mute', seconds: 300, reason: 'Advertising' });
    await page.locator('#tab-hands').click();
    await page.locator('#restricted summary').click();
  },
  'moderator-questions': async ({ page }) => { await page.locator('#tab-questions').click(); },
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
  'studio-revealed': async ({ page, host, say }) => {
    const id = await quiz({ host, say });
    await host('poll.close', { poll: id });
    await host('poll.reveal', { poll: id });
    if (await page.locator('#tab-polls').isVisible()) {
      await page.locator('#tab-polls').click();
    }
    await page.locator('.poll.is-revealed').scrollIntoViewIfNeeded();
  },
  'studio-settings': async ({ page }) => {
    if (await page.locator('#tab-class').isVisible()) {
      await page.locator('#tab-chat').click();
    }
    await page.locator('#settings summary').click();
  },
  'studio-end': async ({ page }) => { await page.locator('#end-open').click(); },
  'studio-empty': async () => {},
  'studio-shut': async ({ page }) => {
    await page.evaluate(() => { sessionStorage.clear(); location.hash = '#k=wrong'; });
    await page.locator('#locked-out:visible').waitFor();
  },
  'studio-waiting': async ({ page }) => { await page.locator('#setup:visible').waitFor(); },
};

const fake = await startFake();
const browser = await launchBrowser();
let n = 0;

async function shoot(name, look) {
  const id = `shot-${n += 1}`;
  const waiting = name === 'studio-waiting';
  const url = await fake.set(id, { title: 'Cell biology, lecture 7', state: waiting ? 'scheduled' : 'live', air: waiting ? '' : 'on', low: true, room: true, viewers: waiting ? 0 : 1873 });
  const people = guests(fake, id);
  const { host } = name.endsWith('-empty') ? {} : await furnish(people);
  const address = name.startsWith('studio') ? `${fake.url}/studio/${id}#k=open-sesame` : name.startsWith('moderator') ? `${url}#p=${await people.pass('Mo', 'moderator')}` : url;
  const page = await openPage(browser, address, { reducedMotion: 'reduce', ...LOOKS[look] });
  await page.locator('#chat-text:enabled').waitFor({ state: 'attached' });
  if (!waiting) {
    await untilPlaying(page, 0.5);
  }
  await SHOTS[name]({ page, host, say: people.say });
  await page.mouse.move(2, 2);
  await page.waitForTimeout(4200); // the buttons over the picture go
  await page.screenshot({ path: join(folder, `${name}-${look}.png`) });
  await page.context().close();
}

const wanted = Object.keys(LOOKS).flatMap((look) => Object.keys(SHOTS).map((name) => [name, look]))
  .filter(([name, look]) => only.length === 0 || only.some((o) => `${name}-${look}`.includes(o)));
try {
  // Most of the time is waiting.
  await Promise.all(Array.from({ length: 4 }, async () => {
    while (wanted.length > 0) {
      await shoot(...wanted.shift());
    }
  }));
} finally {
  await browser.close();
  await fake.stop();
}
