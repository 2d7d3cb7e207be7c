"""Random expressions over random values: the same seed gives the same cases on every machine."""

import random

VARIABLES = {
    "i": 7, "j": -3, "zero": 0, "big": 9007199254740993, "f": 2.5, "g": -0.125, "t": True, "u": False, "n": None,
    "s": "Hello World", "e": "", "w": "  spaced  out ", "uni": "Grüße 世界", "num": "42", "real": "3.75", "path": "/etc/apt/sources.list.d",
    "l": [3, 1, 2], "m": ["b", "a", "C"], "x": [1, "a", None, True, 2.5], "el": [], "nested": [[1, 2], [3, [4, 5]], 6],
    "d": {"a": 1, "b": {"c": [1, 2]}, "z": "last"}, "ed": {}, "rows": [{"k": "x", "v": 2}, {"k": "y", "v": 1}, {"k": "x", "v": 3}],
}
NUMBERS = ["i", "j", "zero", "f", "g", "t", "num | int", "real | float", "l | length", "big"]
STRINGS = ["s", "e", "w", "uni", "num", "real", "path", "m[0]", "d.z", "i | string"]
LISTS = ["l", "m", "x", "el", "nested", "d.b.c", "range(4) | list", "s.split()", "d | dictsort | list", "rows | map(attribute='k') | list"]
MAPS = ["d", "ed", "d.b", "rows[0]", "dict(a=1, b=2)"]
LINES = "\n  line\n"
PATTERNS = ["[aeiou]", "([a-z])([a-z])", "^", " +", "x*"]
REPLACEMENTS = ["", "_", r"<\\1>"]
ANY = NUMBERS + STRINGS + LISTS + MAPS + ["n", "missing"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, choices):
        return self.random.choice(choices)

    def case(self, number):
        kind = self.pick([self.number, self.text, self.sequence, self.mapping, self.truth, self.statement, self.anything])
        source = kind(self.random.randint(1, 4))
        template = source if kind == self.statement else "{{ " + source + " }}"
        if self.random.random() < 0.15 and kind != self.statement:
            template = self.pick(["<{}>", "{}-{}", "a{} "]).format(*[template] * 2)
        return {"id": f"generated/{number}", "template": template, "vars": VARIABLES}

    def anything(self, depth):
        return self.pick([self.number, self.text, self.sequence, self.mapping, self.truth])(depth)

    def operand(self, depth, kind):
        """Mostly of the type that is wanted."""
        if self.random.random() < 0.06:
            return self.pick(ANY)
        return kind(depth - 1)

    def number(self, depth):
        if depth <= 0:
            return self.pick(NUMBERS + [str(self.random.randint(-20, 100)), "1.5", "0.1"])
        a, b = self.operand(depth, self.number), self.operand(depth, self.number)
        return self.pick([
            lambda: f"({a} {self.pick(['+', '-', '*', '/', '//', '%'])} {b})",
            lambda: f"({a}) ** {self.random.randint(0, 5)}",
            lambda: f"-({a})",
            lambda: f"({a}) | abs",
            lambda: f"({a}) | int",
            lambda: f"({a}) | float",
            lambda: f"({a}) | round({self.random.randint(0, 3)})",
            lambda: f"({a}) | round(1, '{self.pick(['ceil', 'floor', 'common'])}')",
            lambda: f"({self.operand(depth, self.sequence)}) | length",
            lambda: f"({self.operand(depth, self.text)}) | length",
            lambda: f"({self.operand(depth, self.text)}).count('{self.pick(['l', 'a', ' '])}')",
            lambda: f"({self.operand(depth, self.text)}).find('{self.pick(['o', 'x', ''])}')",
            lambda: f"[{a}, {b}] | {self.pick(['max', 'min', 'sum'])}",
            lambda: f"({a} if {self.truth(depth - 1)} else {b})",
        ])()

    def text(self, depth):
        if depth <= 0:
            return self.pick(STRINGS + ["'x'", "'a,b,c'", "''", "'%s'", "'Ab1'"])
        a = self.operand(depth, self.text)
        b = self.operand(depth, self.text)
        return self.pick([
            lambda: f"({a} ~ {self.anything(depth - 1)})",
            lambda: f"({a} + {b})",
            lambda: f"({a}) * {self.random.randint(-1, 3)}",
            lambda: f"({a}) | {self.pick(['upper', 'lower', 'title', 'capitalize', 'trim', 'length | string', 'reverse', 'wordcount | string', 'basename', 'dirname', 'b64encode', 'quote', 'hash(' + chr(39) + 'md5' + chr(39) + ')', 'urlencode', 'e', 'striptags', 'comment', 'to_json', 'string', 'regex_escape', 'win_basename', 'splitext | last', 'expanduser'])}",
            lambda: f"({a}).{self.pick(['upper', 'lower', 'strip', 'title', 'swapcase', 'capitalize', 'lstrip', 'rstrip', 'casefold', 'expandtabs'])}()",
            lambda: f"({a}) | replace('{self.pick(['o', 'a', ' ', ''])}', '{self.pick(['', 'XY', '-'])}')",
            lambda: f"({a}) | replace('l', 'L', {self.random.randint(0, 3)})",
            lambda: f"({a}) | regex_replace('{self.pick(PATTERNS)}', '{self.pick(REPLACEMENTS)}')",
            lambda: f"({a}) | truncate({self.random.randint(1, 12)}, {self.pick(['true', 'false'])}, '..', 0)",
            lambda: f"({a}) | indent({self.random.randint(0, 4)}, {self.pick(['true', 'false'])})",
            lambda: f"({a}) | center({self.random.randint(0, 20)})",
            lambda: f"({a}) | wordwrap({self.random.randint(1, 9)})",
            lambda: f"({a}) | default('{self.pick(['dflt', ''])}', {self.pick(['true', 'false'])})",
            lambda: f"({self.sequence(depth - 1)}) | join('{self.pick([',', '', ' - '])}')",
            lambda: f"({a})[{self.slice()}]",
            lambda: f"({a}).replace('{self.pick(['l', 'o', 'e'])}', '{self.pick(['', '!'])}')",
            lambda: f"({a}).zfill({self.random.randint(0, 15)})",
            lambda: f"({a}).{self.pick(['ljust', 'rjust', 'center'])}({self.random.randint(0, 14)}, '*')",
            lambda: f"'{self.pick(['%s', '%5s|', '%-6s|', '%r', '%.2s'])}' % ({a})",
            lambda: f"'{self.pick(['%d', '%05.1f', '%+d', '%x', '%e', '%g', '%8.3f'])}' % ({self.number(depth - 1)})",
            lambda: f"'{self.pick(['{}', '{:>8}', '{0!r}', '{:^9}|', '{:*<7}'])}'.format({a})",
            lambda: f"'{self.pick(['{:.2f}', '{:08.2f}', '{:+}', '{:g}', '{:e}'])}'.format({self.number(depth - 1)})",
            lambda: f"({self.anything(depth - 1)}) | {self.pick(['to_json', 'string', 'type_debug', 'to_nice_json', 'to_yaml'])}",
            lambda: f"({a} if {self.truth(depth - 1)} else {b})",
        ])()

    def slice(self):
        part = lambda: self.pick(["", str(self.random.randint(-4, 6))])
        return self.pick([f"{part()}:{part()}", f"{part()}:{part()}:{self.pick(['', '2', '-1', '-2', '3'])}"])

    def sequence(self, depth):
        if depth <= 0:
            return self.pick(LISTS + ["[1, 2]", "['a']", "(1, 2)", "[]"])
        a, b = self.operand(depth, self.sequence), self.operand(depth, self.sequence)
        return self.pick([
            lambda: f"({a} + {b})",
            lambda: f"({a}) * {self.random.randint(-1, 2)}",
            lambda: f"({a})[{self.slice()}]",
            lambda: f"({a}) | {self.pick(['sort', 'unique', 'reverse', 'flatten', 'list', 'shuffle(seed=5)', 'unique | sort', 'min', 'max', 'first', 'last', 'sum', 'batch(2)', 'slice(2)', 'permutations(2)', 'zip(l)', 'zip_longest(l, fillvalue=0)', 'product([1, 2])', 'subelements(' + chr(39) + 'k' + chr(39) + ')', 'tojson', 'human_readable'])} | list",
            lambda: f"({a}) | {self.pick(['union', 'intersect', 'difference', 'symmetric_difference'])}({b}) | list",
            lambda: f"({a}) | {self.pick(['select', 'reject'])}('{self.pick(['defined', 'none', 'string', 'number', 'mapping', 'iterable', 'odd', 'truthy'])}') | list",
            lambda: f"({a}) | map('{self.pick(['string', 'int', 'upper', 'length', 'type_debug', 'abs', 'bool', 'to_json'])}') | list",
            lambda: f"rows | {self.pick(['selectattr', 'rejectattr'])}('{self.pick(['k', 'v'])}', '{self.pick(['equalto', 'ne', '==', 'gt', 'in'])}', {self.pick([chr(39) + 'x' + chr(39), '2', '[2, 3]'])}) | list",
            lambda: f"rows | sort(attribute='{self.pick(['k', 'v', 'k,v', 'zz'])}', reverse={self.pick(['true', 'false'])}) | map(attribute='v') | list",
            lambda: f"rows | groupby('{self.pick(['k', 'v'])}') | list",
            lambda: f"({self.mapping(depth - 1)}) | {self.pick(['dict2items', 'list', 'dictsort', 'items | list'])}",
            lambda: f"({self.mapping(depth - 1)}).{self.pick(['keys', 'values', 'items'])}() | list",
            lambda: f"({self.text(depth - 1)}).{self.pick(['split', 'splitlines', 'rsplit'])}()",
            lambda: f"({self.text(depth - 1)}).{self.pick(['split', 'partition', 'rpartition'])}('{self.pick(['o', ' ', ',', '/'])}') | list",
            lambda: f"({self.text(depth - 1)}) | regex_findall('{self.pick(['[a-z]+', '.', '([a-z])o', '[0-9]'])}')",
            lambda: f"[{self.anything(depth - 1)}, {self.anything(depth - 1)}]",
            lambda: f"({self.anything(depth - 1)}, {self.anything(depth - 1)})",
            lambda: f"({a} if {self.truth(depth - 1)} else {b})",
        ])()

    def mapping(self, depth):
        if depth <= 0:
            return self.pick(MAPS + ["{'k': 1}", "{}", "{1: 'a', 'b': 2}"])
        a, b = self.operand(depth, self.mapping), self.operand(depth, self.mapping)
        return self.pick([
            lambda: f"({a}) | combine({b})",
            lambda: f"({a}) | combine({b}, recursive=true, list_merge='{self.pick(['replace', 'append', 'prepend', 'keep', 'append_rp', 'prepend_rp'])}')",
            lambda: f"{{'{self.pick(['p', 'q'])}': {self.anything(depth - 1)}, 'r': {self.anything(depth - 1)}}}",
            lambda: f"({a}) | dict2items | items2dict",
            lambda: f"dict(({a}).items())",
            lambda: f"dict({a}, extra={self.number(depth - 1)})",
            lambda: f"dict(m | zip({self.sequence(depth - 1)}))",
            lambda: f"({a} if {self.truth(depth - 1)} else {b})",
        ])()

    def truth(self, depth):
        if depth <= 0:
            return self.pick(["t", "u", "true", "false", "(missing is defined)", "(n is none)", "(s is string)"])
        a, b = self.anything(depth - 1), self.anything(depth - 1)
        return self.pick([
            lambda: f"({self.number(depth - 1)} {self.pick(['<', '<=', '>', '>=', '==', '!='])} {self.number(depth - 1)})",
            lambda: f"({self.text(depth - 1)} {self.pick(['<', '==', '!=', '>='])} {self.text(depth - 1)})",
            lambda: f"({a} == {b})",
            lambda: f"({a} in {self.sequence(depth - 1)})",
            lambda: f"({self.text(depth - 1)} not in {self.text(depth - 1)})",
            lambda: f"(not {self.truth(depth - 1)})",
            lambda: f"({self.truth(depth - 1)} {self.pick(['and', 'or'])} {self.truth(depth - 1)})",
            lambda: f"({a} or {b})",
            lambda: f"({a} and {b})",
            lambda: f"(({a}) is {self.pick(['', 'not '])}{self.pick(['defined', 'none', 'string', 'number', 'mapping', 'sequence', 'iterable', 'boolean', 'integer', 'float', 'true', 'false', 'truthy', 'falsy'])})",
            lambda: f"(({self.number(depth - 1)}) is {self.pick(['odd', 'even', 'divisibleby(3)'])})",
            lambda: f"(({self.text(depth - 1)}) is {self.pick(['match', 'search', 'regex'])}('{self.pick(['H.*', '[0-9]+', 'o', '^$'])}'))",
            lambda: f"(({self.sequence(depth - 1)}) is {self.pick(['subset', 'superset', 'contains'])}({self.pick(['l', 'm', '1', '[1, 2, 3]'])}))",
            lambda: f"('1.{self.random.randint(0, 20)}' is version('1.{self.random.randint(0, 20)}', '{self.pick(['<', '>=', 'eq', 'ne'])}'))",
            lambda: f"(({a}) | bool)",
            lambda: f"({self.number(depth - 1)} < {self.number(depth - 1)} <= {self.number(depth - 1)})",
        ])()

    def statement(self, depth):
        body = lambda: self.pick(["{{ " + self.anything(depth - 1) + " }}", "text ", "{{ v }}", LINES, "{{ loop.index if loop is defined else 'none' }}"])
        return self.pick([
            lambda: f"{{% for v in {self.sequence(depth - 1)} %}}{body()}{self.pick(['', ', '])}{{% else %}}none{{% endfor %}}",
            lambda: f"{{% for v in {self.sequence(depth - 1)} if v %}}{{{{ loop.index }}}}:{body()}{{% if not loop.last %}};{{% endif %}}{{% endfor %}}",
            lambda: f"{{% for k, v in ({self.mapping(depth - 1)}).items() %}}{{{{ k }}}}={body()} {{% endfor %}}",
            lambda: f"{{% if {self.truth(depth - 1)} %}}{body()}{{% elif {self.truth(depth - 1)} %}}b{{% else %}}{body()}{{% endif %}}",
            lambda: f"{{% set v = {self.anything(depth - 1)} %}}{{{{ v }}}}{self.pick(['', ' ', body()])}",
            lambda: f"{{% set v %}}{body()}{{% endset %}}[{{{{ v }}}}]",
            lambda: f"{{% macro mac(p, q={self.number(0)}) %}}({{{{ p }}}}|{{{{ q }}}}){{% endmacro %}}{{{{ mac({self.anything(depth - 1)}) }}}}{{{{ mac(1, q={self.text(depth - 1)}) }}}}",
            lambda: f"{{% set ns = namespace(c=0) %}}{{% for v in {self.sequence(depth - 1)} %}}{{% set ns.c = ns.c + 1 %}}{{% endfor %}}{{{{ ns.c }}}}",
            lambda: f"{{% filter {self.pick(['upper', 'trim', 'indent(2)', 'length'])} %}}{body()}{{% endfilter %}}",
            lambda: f"  {{%- if true -%}}  {body()}  {{%- endif +%}}  ",
            lambda: f"{{# note #}}{body()}{{% raw %}}{{{{ x }}}}{{% endraw %}}",
        ])()


def cases(seed, count):
    generator = Generator(seed)
    return [generator.case(f"{seed}/{number}") for number in range(count)]
