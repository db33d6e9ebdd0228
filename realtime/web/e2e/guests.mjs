// Guests of a room of the fake server, who are not in any browser.

let commands = 0;

/**
 * guests returns say(name, type, data, role), which has somebody do something and
 * returns what the ack says, and role(name, role), a say for one of them.
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
  return { say, role: (name, role) => (type, data) => say(name, type, data, role) };
}
