import { bestOf, scoreOf } from '../../domain/raci';

const phishing = { number: 2, keywords: ['phishing', 'suspicious link'], ticketClass: 'Incident', assignmentGroup: 'Security Operations' }; // prettier-ignore
const network = { number: 1, keywords: ['vpn'], ticketClass: 'UserRequest', assignmentGroup: 'Network' };
const ticket = { title: 'A mail', description: '', ticketClass: 'UserRequest', assigneeTeam: null };

test.each([
  ['nothing fits', {}, 0],
  ['its class alone is nothing', { ticketClass: 'Incident' }, 0],
  ['a keyword', { title: 'Phishing!' }, 1],
  ['a keyword of two words', { description: 'there is a suspicious\nlink in it' }, 2],
  ['both, and the class', { title: 'phishing', description: 'suspicious link', ticketClass: 'Incident' }, 6],
  ['part of a word', { title: 'spearphishing' }, 0],
  ['the team', { assigneeTeam: 'security operations' }, 4],
])('%s', (_what, of, score) => {
  expect(scoreOf(phishing, { ...ticket, ...of })).toBe(score);
});

test('the best counts, of equals the first', () => {
  expect(bestOf([phishing, network], ticket)).toBeNull();
  const equal = { ...ticket, title: 'vpn phishing', ticketClass: 'Problem' };
  expect(bestOf([phishing, network], equal)).toMatchObject({ rule: { number: 1 }, score: 1 });
  expect(bestOf([phishing, network], { ...equal, ticketClass: 'Incident' })).toMatchObject({ rule: { number: 2 }, score: 4 });
}); // prettier-ignore
