import { describe, expect, it } from 'vitest';

import { renderFields, renderTable } from './table.js';

describe('a table', () => {
  it('looks as in the reference of recipes', () => {
    const rows = [
      ['python-toolchain', 'Python 3.12 with Poetry and Ruff'],
      ['go-service', 'Go 1.22 with gopls, cross-substrate'],
      ['private-deps', 'Installs private npm packages'],
    ];
    expect(renderTable(['name', 'description'], rows)).toBe(
      [
        'NAME               DESCRIPTION',
        'python-toolchain   Python 3.12 with Poetry and Ruff',
        'go-service         Go 1.22 with gopls, cross-substrate',
        'private-deps       Installs private npm packages',
        '',
      ].join('\n'),
    );
  });

  it('has only its header when there is nothing to list', () => {
    expect(renderTable(['NAME', 'DESCRIPTION'], [])).toBe('NAME   DESCRIPTION\n');
  });

  it('ends no line in spaces, with empty and missing cells too', () => {
    expect(renderTable(['A', 'B', 'C'], [['1', '', ''], ['22']])).toBe('A    B   C\n1\n22\n');
  });

  it('keeps a cell on one line and lets nothing in it drive the terminal', () => {
    expect(renderTable(['A', 'B'], [['one\n two\u001b[31m', 'x']])).toBe(
      'A             B\none two [31m   x\n'.replace('A             B', 'A              B'),
    );
  });

  it('counts characters, not code units', () => {
    expect(
      renderTable(
        ['A', 'B'],
        [
          ['😀', 'x'],
          ['é', 'y'],
        ],
      ),
    ).toBe('A   B\n😀   x\né   y\n');
  });
});

describe('fields', () => {
  it('stand below each other', () => {
    expect(
      renderFields([
        ['Tenant', 'local/default'],
        ['Identity', 'admin'],
        ['None', ''],
      ]),
    ).toBe('Tenant     local/default\nIdentity   admin\nNone\n');
  });
});
