// Guests of a room of the fake server, who are not in any browser.

let commands = 0;

/**
 * guests returns say(name, type, data, role), which has somebody do something and
 * returns what the ack says, role(name, role), a say for one of them, and
 * pass(name, role), with which a page becomes somebody of that role.
 */
export function guests(fake, id) {
  async function say(name, type, data = {}, role = 'participant') {
    const command = { v: 1, type, id: `guest-${process.pid}-${commands += 1}`, data };
    const response = await fetch(`${fake.url}/fake/${id}/room`, { method: 'POST', body: JSON.stringify([{ name, role, command }]) });
    if (!response.ok) {
      throw new Error(`${type}: ${await response.text()}`);
    }
    const [answer] = await response.json();
    if (answer.type !== 'ack') {
      throw new Error(`${type}: ${JSON.stringify(answer.data)}`);
    }
    return answer.data;
  }
  async function pass(name, role) {
    const response = await fetch(`${fake.url}/fake/${id}/pass?${new URLSearchParams({ name, role })}`, { method: 'POST' });
    if (!response.ok) {
      throw new Error(`pass: ${await response.text()}`);
    }
    return response.text();
  }
  return { pass, say, role: (name, role) => (type, data) => say(name, type, data, role) };
}
