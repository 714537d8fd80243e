# SPDX-License-Identifier: MIT
"""Pages from templates that use most of what mako offers."""
from mako import exceptions
from mako.lookup import TemplateLookup
from mako.template import Template

lookup = TemplateLookup(strict_undefined=True, default_filters=["str", "h"], imports=["import math"])
lookup.put_string("base.html", """\
<html><head><title>${self.title()}</title></head>
<body class="${self.attr.kind}">
<%block name="header"><h1>${self.title()}</h1></%block>
${self.body()}
<%block name="footer">-- ${next.name if next else 'nobody'} --</%block>
</body></html>
<%def name="title()">untitled</%def>
<%! kind = "plain" %>
""")
lookup.put_string("widgets.html", """\
<%def name="row(cells, tag='td')"><tr>${caller.body() if caller else ''}${''.join(f'<{tag}>{c}</{tag}>' for c in cells) | n}</tr></%def>
<%def name="table(rows)" filter="trim">
<table>
% for r in rows:
  ${row(r, tag='th' if loop.first else 'td')}${'last' if loop.last else loop.index} ${loop.cycle('odd', 'even')}
% endfor
</table>
</%def>
""")
lookup.put_string("page.html", """\
<%inherit file="base.html"/>
<%namespace name="w" file="widgets.html"/>
<%! kind = "fancy"
def shout(text):
    return text.upper() + "!"
%>
<%def name="title()">${name} &amp; co</%def>
<%block name="footer">${parent.footer()} done</%block>
## a comment
<%doc>
a longer comment ${with.code}
</%doc>
Hello ${name | shout,h} ${'<b>'} ${'<b>' | n} ${" x " | trim} ${'a b&c' | u}
% if total > 100:
much: ${total}
% elif total:
some: ${total}
% else:
none
% endif
% for a in range(3):
%   for b in 'xy':
${a}${b} ${loop.parent.index}-${loop.reverse_index}\\
%   endfor

% endfor
% while total > 35:
<% total -= 10 %>${total} \\
% endwhile
% try:
${1 / 0}
% except ZeroDivisionError as e:
caught ${e}
% endtry
<%
    squares = {n: n * n for n in range(4)}
    def pick(n): return squares[n]
%>
${squares} ${pick(3)} ${math.floor(2.7)}
${w.table([('a', 'b'), (1, '<2>'), (3, 4)])}
<%w:row cells="${[1, 2]}">called</%w:row>
<%text>${raw} % for</%text>
%% escaped, continued \
here
${capture(lambda: context.write('captured'))}
<%include file="part.html" args="n=5"/>
""")
lookup.put_string("part.html", '<%page args="n, m=2"/>part ${n * m} ${name}')
for values in ({"name": "Ada", "total": 77}, {"name": "<Löwe> 猫", "total": 0}):
    print(lookup.get_template("page.html").render(**values))
template = Template("${x} ${y}\n<%def name='f(a)'>(${a})</%def>", default_filters=[])
print(template.get_def("f").render("one"), template.render_unicode(x="é", y="!"), Template("${x}", output_encoding="utf-16-le").render(x="ü"))
print(template.source)
print("\n".join(line for line in template.code.splitlines() if not line.startswith(("_modified_time", "_template_filename"))))
for source in ("${x", "% if 1:\nno end", "<%def>no name</%def>", "${1 +}", "<%nosuch/>", "% endfor", "${undefined_name}", "${1/0}\n", "<% raise KeyError('k') %>",
               "<%include file='gone.html'/>"):
    try:
        print(Template(source, lookup=lookup, strict_undefined=True).render())
    except Exception as error:
        print(type(error).__name__, str(error).replace("\n", "|")[:200])
        print(exceptions.text_error_template().render().splitlines()[-1])
try:
    Template("line one\n\n${fail()}\n", uri="bad.html").render(fail=lambda: {}["missing"])
except KeyError:
    trace = exceptions.RichTraceback()
    for filename, line, function, text in trace.traceback:
        print(filename.rpartition("/")[2], line, function, text)
    print(trace.errorname, trace.error, trace.lineno)
    print(len(exceptions.html_error_template().render().splitlines()) > 50)
