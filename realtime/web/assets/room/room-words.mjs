// Every sentence that the room puts on a page, and how texts of people are shown.
// Nothing here needs a browser.

/** nameOf is what somebody is called in front of others. */
export function nameOf(from) {
  return from?.name || (from?.role === 'host' ? 'Host' : from?.role === 'moderator' ? 'Moderator' : from?.anonymous ? 'Anonymous' : 'Guest');
}

/** roleWord is the badge beside a name, '' for none. */
export function roleWord(role) {
  return { host: 'Host', moderator: 'Moderator', service: 'School' }[role] ?? '';
}

/** refusal says why something was not done. what is what it was: message, question, vote, … */
export function refusal({ code, retryAfter = 0 }, what = 'message') {
  const wait = Math.max(1, Math.ceil(retryAfter / 1000));
  const after = retryAfter > 0 ? ` Wait ${wait} s.` : '';
  switch (code) {
    case 'slow_mode': return `Slow mode is on.${after}`;
    case 'rate_limited': return `That was too fast.${after}`;
    case 'muted': return retryAfter > 0 ? `A moderator has muted you for another ${lasting(retryAfter)}.` : 'A moderator has muted you.';
    case 'closed': return what === 'vote' ? 'Votes are not taken any more, or not now.' : what === 'question' ? 'No questions are taken now.' : 'The chat takes no messages now.';
    case 'already_voted': return 'You have voted already.';
    case 'forbidden': return what === 'message' ? 'This cannot be sent: it holds a link or a word that is not allowed here.' : 'This is not allowed.';
    case 'too_large': return 'This is too long.';
    case 'busy': return 'The room is busy. Try again in a moment.';
    case 'not_found':
    case 'conflict': return 'Somebody else was faster: this has changed meanwhile.';
    case 'bad_request': return 'This cannot be sent as it is.';
    case 'unauthorized': return 'The room no longer knows you: reload the page.';
    case 'banned': return 'You were excluded from this room.';
    case 'unsupported': return 'The server has changed meanwhile: reload the page.';
    case 'unavailable': return 'Not sent: there is no connection.';
    default: return 'That did not work. Try again.';
  }
}

/** lasting says how long something lasts. */
export function lasting(ms) {
  const s = Math.max(1, Math.round(ms / 1000));
  return s < 90 ? `${s} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
}

/** stateWord says how the connection stands, '' while there is nothing to say. */
export function stateWord({ name, reason }) {
  if (name === 'open') {
    return '';
  }
  if (name === 'connecting') {
    return 'Joining the room…';
  }
  if (name === 'waiting') {
    return 'The connection to the room was lost. It comes back by itself.';
  }
  switch (reason) {
    case 'banned': return 'You were excluded from this room. The video goes on.';
    case 'removed': return 'A moderator sent you out of the room.';
    case 'class_ended': return 'The class has ended, and its room has closed.';
    case 'superseded': return 'You have opened this class elsewhere. The room goes on there.';
    case 'locked': return 'The room is locked: nobody else comes in at the moment.';
    case 'refused': return 'The room opens with a link from your teacher.';
    default: return 'The room cannot be joined. Try to reload the page.';
  }
}

/** closingWord says how long the room of a class that has ended stays open, '' if it does not close. */
export const closingWord = (until) => (until > 0 ? `The class has ended. You can write here until ${clockTime(until)}.` : '');

/** mayComeBack says whether a button to come back makes sense. */
export const mayComeBack = (reason) => ['removed', 'superseded', 'locked', 'invalid_grant', 'too_large', 'protocol_error'].includes(reason);

/** closedWord says why this person cannot write in the chat, '' if they can. */
export function closedWord({ settings, restricted, me }, now) {
  if (!me?.may.has('chat')) {
    return 'You can read along here.';
  }
  if (restricted.muted && !(restricted.muted_until > 0 && restricted.muted_until <= now)) {
    return refusal({ code: 'muted', retryAfter: restricted.muted_until ? restricted.muted_until - now : 0 });
  }
  if (me.may.has('staff')) {
    return '';
  }
  if (settings.paused) {
    return 'The teacher has paused the room.';
  }
  switch (settings.chat) {
    case 'hosts': return 'Only the teacher writes here now. You can write to the teacher.';
    case 'questions': return 'The chat is for questions now: ask in the other tab.';
    case 'off': return 'The chat is off.';
    default: return '';
  }
}

/** many counts things. */
export const many = (n, one, more = `${one}s`) => `${n.toLocaleString('en-GB')} ${n === 1 ? one : more}`;

/** Of more messages to one person than these only the number is said. */
const SAID_WHOLE = 3;

/**
 * summary says what is new, '' for nothing. news is { messages, questions, last, toMe },
 * where last is { name, text } and toMe lists messages to this person, which are not
 * among the others.
 */
export function summary({ messages = 0, questions = 0, last = null, toMe = [] }) {
  const cut = (text) => (text.length > 120 ? `${text.slice(0, 120)}…` : text);
  const parts = toMe.length > SAID_WHOLE ? [`${many(toMe.length, 'message')} to you`] : toMe.map(({ name, text }) => `${name} to you: ${cut(text)}`);
  if (messages === 1 && last) {
    parts.push(`${last.name}: ${cut(last.text)}`);
  } else if (messages > 0) {
    parts.push(many(messages, 'new message'));
  }
  if (questions > 0) {
    parts.push(many(questions, 'new question'));
  }
  return parts.join('. ');
}

/** ordinal writes a place in a queue. */
export function ordinal(n) {
  const ends = ['th', 'st', 'nd', 'rd'];
  const two = n % 100;
  return `${n}${ends[(two - 20) % 10] ?? ends[two] ?? ends[0]}`;
}

/** clockTime is the time of day. */
export const clockTime = (ts) => new Date(ts).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });

const LINK = /https?:\/\/[^\s<>"']+/g;

/** pieces takes a text apart: [{ text } or { text, link }]. Only whole http(s) addresses become links. */
export function pieces(text) {
  const out = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const address = match[0].replace(/[.,;:!?)\]]+$/, '');
    let url;
    try {
      url = new URL(address);
    } catch {
      continue;
    }
    if (match.index > from) {
      out.push({ text: text.slice(from, match.index) });
    }
    out.push({ text: address, link: url.href });
    from = match.index + address.length;
  }
  if (from < text.length) {
    out.push({ text: text.slice(from) });
  }
  return out;
}

/** length counts a text as the server does: in code points. */
export const length = (text) => [...text].length;

/** questionState is the badge of a question, '' for one that waits. */
export function questionState(state) {
  return { answering: 'Being answered', answered: 'Answered', dismissed: 'Not for now', withdrawn: 'Withdrawn', merged: 'Joined to another' }[state] ?? '';
}

/** REACTIONS names the reactions. */
export const REACTIONS = { thumbs_up: 'Thumbs up', heart: 'Heart', clap: 'Applause', laugh: 'Laughter', wow: 'Wow', party: 'Celebrate' };

/** left writes how long is left: 0:42. */
export function left(ms) {
  const s = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}
