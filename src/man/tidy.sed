# sed -zE: what lowdown writes for terms, as man(7) has it; its font for code is one that only some readers have.
s/\n\.LP\n([^\n]*)\n\.if n \\\n\.sp -1v\n\.if t \\\n\.sp -0\.25v\n\.IP "" 5n\n/\n.TP 5n\n\1\n/g
s/\\fC/\\fB/g
