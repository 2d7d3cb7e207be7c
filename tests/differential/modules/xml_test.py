"""community.general.xml against ours: the same results, and files that agree in every byte."""

import random
import unittest

import oracle

MODULE = "community.general.xml"
WEB = """<?xml version="1.0" encoding="UTF-8"?>
<!-- the server -->
<server port="80">
  <host name="a">one</host>
  <host name="b" up="1">two &amp; more</host>
  <empty/>
  <deep><er>x<i/>y</er> <er/></deep>
  <data><![CDATA[a < b]]></data>
</server>
"""
SPACES = """<project xmlns="urn:p" xmlns:q="urn:q" q:kind="app"><name>one</name><q:part id="1"/><q:part id="2">x</q:part>
<inner xmlns="urn:i"><name>two</name></inner></project>
"""
FLAT = "<a><b c='1'/><b>t</b><d/></a>"
NAMESPACES = {"p": "urn:p", "r": "urn:q", "i": "urn:i"}
KEYS = ("msg", "count", "matches", "xmlstring", "actions")


class Xml(oracle.DifferentialCase):
    def agree(self, arguments, text=WEB, runs=2, keys=KEYS):
        arguments = dict(arguments, path="{root}/x.xml")
        with self.subTest(arguments):
            self.both(arguments, text, runs, keys)

    def both(self, arguments, text, runs, keys):
        mine, theirs = self.twins({"x.xml": text})
        for check in [True] + [False] * runs:
            ours = self.ours.run("xml", oracle.placed(arguments, mine), check=check)
            answer = oracle.run_theirs(MODULE, oracle.placed(arguments, theirs), check=check)
            # What Ansible's never thought of: no behaviour to agree with, but an answer.
            if "Traceback" in str(answer.get("msg")):
                self.assertTrue("changed" in ours, ours)
                return
            # Ansible's gives up when an element goes together with one that holds it.
            if "Impossible error" in str(answer.get("msg")):
                self.assertTrue(ours["changed"], ours)
                return
            self.assertEqual(bool(answer.get("failed")), bool(ours.get("failed")), (answer, ours))
            if not answer.get("failed"):
                self.assertEqual(answer["changed"], ours["changed"], (answer, ours))
                for key in keys:
                    self.assertEqual(answer.get(key), ours.get(key), (key, answer, ours))
            self.assertEqual(oracle.tree(theirs), oracle.tree(mine), (answer, ours))

    def test_values(self):
        for xpath in ("/server/host", "/server/host[2]", "/server/host[@name='b']", "//er", "/server/empty", "/server/data", "/server/fresh",
                      "/server/fresh/and/deeper", "/server/host[@name='c']", "/server/deep/er[1]", "/server/none/text()='x'", "/server/@port",
                      "/server/new[@a='1' and @b='2']", "//nothing", "/other", "/server/comment()", "1 + 1", "/server[", "host"):
            self.agree({"xpath": xpath, "value": "new <value>"})
            self.agree({"xpath": xpath, "value": "9", "attribute": "port"})
        self.agree({"xpath": "/server/host[1]", "value": "one"})
        self.agree({"xpath": "/server/host[1]", "value": ""})
        self.agree({"xpath": "/server/host[1]", "value": "tab\tline\n\"'", "attribute": "note"})
        self.agree({"xpath": "/server/host[1]", "value": "ü", "attribute": "ü"})

    def test_what_is_missing_is_made(self):
        for xpath in ("/server/fresh", "/server/host", "/server/fresh/@on", "/server/fresh/@on='yes'", "/server/@port", "/server/@port='80'", "/server/@port='81'",
                      "/server/fresh/text()='a b'", "/server/host/text()='one'", "/server/fresh[@a='1']", "/server/fresh[@a='1' and x/text()='y']",
                      "/server/host/child", "/server/deep/er/text()='both'", "/server/a-b/c.d", "//deep/more"):
            self.agree({"xpath": xpath})

    def test_removing(self):
        for xpath in ("/server/host", "/server/host[1]", "/server/host[@name='b']", "//er", "/server/@port", "//@name", "/server/none", "/server", "/server/deep/er/i",
                      "/server/data/text()", "/server/comment()"):
            self.agree({"xpath": xpath, "state": "absent"})
            self.agree({"xpath": xpath, "state": "absent", "pretty_print": True})

    def test_children(self):
        sets = [["one"], ["one", {"two": "text"}, {"three": {"a": "1"}}], [{"four": {"b": "2", "_": ["five", {"six": "&"}]}}], [{"nothing": None}], []]
        for xpath in ("/server", "/server/empty", "/server/host", "/server/host[1]", "/server/none"):
            for children in sets:
                self.agree({"xpath": xpath, "set_children": children})
                if children:
                    self.agree({"xpath": xpath, "add_children": children})
                    self.agree({"xpath": xpath, "add_children": children, "pretty_print": True})
        for where in ("insertbefore", "insertafter"):
            for xpath in ("/server/host", "/server/host[2]", "/server/data", "/server/empty", "/server/none"):
                self.agree({"xpath": xpath, "add_children": ["one", {"two": "t"}], where: True})
        for child in ("<x a='1'><y/></x>", "<x>t</x>", "<x", "<x/><y/>"):
            self.agree({"xpath": "/server/empty", "add_children": [child], "input_type": "xml"})
            self.agree({"xpath": "/server/deep", "set_children": [child], "input_type": "xml"})
        for child in ("a b", "1a", {"a": "1", "b": "2"}, 5, {"a": {"_": "x"}}, "p:x"):
            self.agree({"xpath": "/server", "add_children": [child]})

    def test_reading(self):
        for xpath in ("/server/host", "//er", "/server", "//*", "/server/none", "/server/data", "count(//host)", "//host[last()]", "//er/..", "/server/host[position()>1]",
                      "//host[contains(@name,'a') or @up]", "//*[not(@name)][2]", "//er/following-sibling::er", "//deep/er[i and not(@x)]"):
            for what in ({"count": True}, {"print_match": True}, {"content": "text"}, {"content": "attribute"}):
                self.agree(dict(what, xpath=xpath))

    def test_namespaces(self):
        for xpath in ("/p:project/p:name", "/p:project/r:part", "//r:part[@id='2']", "//i:name", "/project/name", "//name", "/p:project/p:new", "/p:project/r:new/r:more",
                      "/p:project/@r:kind", "//z:x", "//r:*", "//p:*", "/p:project/r:part[2]", "//*[local-name()='name']", "/p:project/r:fresh/@r:on='1'"):
            for arguments in ({"value": "v"}, {"count": True}, {"print_match": True}, {"content": "text"}, {"content": "attribute"}, {"state": "absent"}, {}):
                self.agree(dict(arguments, xpath=xpath, namespaces=NAMESPACES), SPACES)
        self.agree({"xpath": "/p:project", "namespaces": NAMESPACES, "attribute": "r:kind", "value": "lib"}, SPACES)

    def test_layout(self):
        self.agree({"pretty_print": True})
        self.agree({"pretty_print": True}, FLAT)
        self.agree({"pretty_print": True}, SPACES)
        self.agree({"pretty_print": True, "backup": True}, "<a> <b> x <c/> </b>  <d>  </d> <!-- n --><e><![CDATA[ ]]> <f/></e></a><!-- end -->")
        self.agree({"pretty_print": True}, "<?xml version='1.0'?><?pi one?><!DOCTYPE a SYSTEM 'a.dtd'><a><b/></a>")
        self.agree({"xpath": "//b", "value": "x", "strip_cdata_tags": True}, "<a><b/><c><![CDATA[x<y]]></c></a>")
        self.agree({"xpath": "//b", "value": "\r\n\t\"&<>"}, "<a><b/></a>")

    def test_a_string_in_place_of_a_file(self):
        for arguments in ({"xpath": "/a/b", "value": "x"}, {"pretty_print": True}, {"xpath": "/a/e", "add_children": ["f"]}, {"xpath": "/a/b", "state": "absent"}):
            arguments = dict(arguments, xmlstring=FLAT)
            ours, theirs = self.ours.run("xml", arguments), oracle.run_theirs(MODULE, arguments)
            self.assertEqual((theirs["changed"], theirs.get("xmlstring")), (ours["changed"], ours.get("xmlstring")))

    def test_what_is_refused(self):
        self.agree({"xpath": "/a", "value": "x"}, "<a><b></a>")
        self.agree({"xpath": "/a", "value": "x"}, "no xml")
        self.agree({"xpath": "/a", "value": "x"}, "")
        self.agree({"xpath": "/a", "value": "x", "count": True})
        self.agree({"value": "x"})
        self.agree({})

    def test_at_random(self):
        source = random.Random(5)
        names = ["a", "b", "c"]

        def element(depth):
            name = source.choice(names)
            attributes = "".join(f' {key}="{source.randrange(3)}"' for key in source.sample("xyz", source.randrange(3)))
            inside = "".join(source.choice(["", " ", "\n  ", "text", "<!--n-->", element(depth - 1), element(depth - 1)]) for _ in range(source.randrange(5))) if depth else ""
            return f"<{name}{attributes}>{inside}</{name}>" if inside or source.random() < 0.5 else f"<{name}{attributes}/>"

        for _ in range(100):
            text = f"<top>{element(4)}{element(3)}</top>"
            xpath = "/" + "".join(source.choice(["/", "//"] if i == 0 else ["/"]) + source.choice(names + ["*"]) + source.choice(["", "", "[1]", "[@x='1']", "[b]"])
                                  for i in range(source.randrange(1, 3)))
            xpath = "/top" + xpath[1:] if source.random() < 0.5 else xpath
            arguments = source.choice([{"value": "v"}, {"value": "1", "attribute": "x"}, {"state": "absent"}, {"add_children": ["n", {"m": "t"}]}, {"set_children": ["n"]},
                                       {"print_match": True}, {"count": True}, {"content": "text"}, {"add_children": ["n"], "insertbefore": True},
                                       {"add_children": ["n"], "insertafter": True}])
            if source.random() < 0.3:
                arguments = dict(arguments, pretty_print=True)
            self.agree(dict(arguments, xpath=xpath), text)


if __name__ == "__main__":
    unittest.main()
