"""What indicators does when it hears a batch, and when its counting rule is another one.

Every handler keeps the raw facts first, then locks join rows in one order everywhere (FINESS, RPPS,
then the CPTS whose contract years may count something), and only then reads, in new statements,
what others have committed. Whoever comes second therefore sees what the first one left.

`hearing` keeps the facts of a batch; `counting` brings attributions and figures up to them;
`recounting` does so for all there is; `origins` tells what is behind each change.
"""
