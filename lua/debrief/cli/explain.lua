--- debrief explain: what the figures of reports mean and how they are computed, a screen per topic.
-- @module debrief.cli.explain
local output = require "debrief.cli.output"

local explain = { paged = true, no_folder = true, epilog = "Example: debrief explain compare" }

local topics = {
  { "rates", "what is counted in a rate, and what is not", [[
A rate is shown as 12/15 (80 %): 12 of the 15 runs that were decided. A run is
decided if its status says so (ok, fail, ...) or, without a status, if a test
ran in its last attempt. A run that was called off, one whose status nobody
knows and one that only a build or a lint checked are in no rate. Reports show
how many.

passed      the run passed
first_try   its first attempt was verified; attempts that do not say are left
            out
verified    one of its attempts was verified. Attempts of one run follow from
            each other, so a run counts once
* marks rates of fewer than 5 runs: a hint, not a rate. "-" is no data, not 0
%.

Numbers: attempts and lost (time in attempts that did not verify) have means;
cost, tokens (in and out, cached ones too) and duration_ms have medians. A
median of up to 100 values is exact: the middle one, or the mean of the middle
two. Of more, values are counted in buckets 2 % wide, and it is within 1 %
(DDSketch: Masson, Rim and Lee, Proc. VLDB Endow. 12 (2019) 2195), rounded if
all values were whole.
]] },
  { "intervals", "what an interval says, and what it rests on", [[
A 95 % interval is computed so that, over many logs, 95 % of such intervals
hold the true value. It says how far chance alone can move a figure, nothing of
other causes.

rate                   Wilson, J. Am. Stat. Assoc. 22 (1927) 209
difference of 2 rates  Newcombe, Stat. Med. 17 (1998) 873, method 10
the same over skills   Miettinen and Nurminen, Stat. Med. 4 (1985) 213, with
                       the weights of Mantel and Haenszel
the same in pairs      Newcombe, Stat. Med. 17 (1998) 2635, method 10
ratio of medians       Price and Bonett, J. Stat. Comput. Simul. 72 (2002) 119
median of ratios       ranks of the sign test: Thompson, Ann. Math. Stat. 7
                       (1936) 122
difference of means    Welch, Biometrika 34 (1947) 28

All assume that runs are independent: that one does not fail because another
did. Runs that share a cause (a broken service, one bad case tried 50 times)
tell less than their number says, and intervals are then too narrow.

`make calibrate` in the source simulates 2,000 logs per scenario through the
plugins and writes how often intervals hold the true value (93 to 98 % on
average).
]] },
  { "compare", "how A and B are compared", [[
Skills that both sides ran are compared with themselves, and the differences
are averaged with the weights n m / (n + m) of Mantel and Haenszel (Greenland
and Robins, Biometrics 41 (1985) 55). So it does not matter who ran more of the
easy work. Skills that one side ran alone do not decide. The report says how
many runs it rests on and shows the raw totals, "(all runs)", beside; those can
point the other way.

answer        when
B is better   the interval is above 0 and the difference at least the floor
no difference the whole interval lies within the floor, on both sides of 0
cannot tell   anything else, and fewer than 5 decided runs on a side

Numbers: the ratio of medians (cost, tokens, duration_ms) or the difference of
means (attempts, lost), over skills with at least 5 values (means: 30) on both
sides; B is higher or lower. The floor (0.05) is 5 points for rates and 5 % for
numbers.
Skills disagree: a chi-squared test of the skills' differences, at 0.5 % (Gart
and Nam, Biometrics 46 (1990) 637). One figure does not describe them; read the
rows.
pair=FIELD: case by case, of the cases that both sides ran, the first run of
each. Rates: Newcombe's method 10, and the chance of McNemar's test (mid-p;
Fagerland et al., BMC Med. Res. Methodol. 13 (2013) 91). Numbers: the median of
the ratios B / A.

Chance makes the report name one side without a difference in at most 6.5 % of
logs. What else differs between the sides, such as the tasks they got, is not
known to it.
]] },
  { "trend", "what counts as a change in time", [[
Of each skill, two things are looked for in its latest periods (12 weeks by
default):

step    the split, with at least two periods of data on each side, at which the
        rates before and after differ most by likelihood ratio. Its chance is
        that of a split as good anywhere in a series without a change, computed
        exactly (Worsley, Biometrika 70 (1983) 455)
slope   the trend test of Cochran (Biometrics 10 (1954) 417) and Armitage
        (Biometrics 11 (1955) 375)

Each must still be there at 5 % whichever period is left out: a single outlier
is not a change. The chances are corrected for the number of skills and for
both tests (Holm, Scand. J. Stat. 6 (1979) 65), so that at most one report in
20 on a log without changes names any. The better of the two is named, with its
period, size and interval; the interval is that of a period known before, and
is too narrow for changes that were barely found.

Numbers are followed as the share of runs above the skill's median over all
periods.
Gaps are shown, and do not count as data. Runs are assumed to be independent
within a period: a service that was down for a day looks like a change.
A change says when, not why. What each skill was asked to do may have changed
too.
]] },
  { "pass-at-k", "pass@k and pass^k of independent trials", [[
Trials are runs on the same case that did not see each other (attempts within a
run are retries: each saw the error of the one before it). Of a case with n
decided trials, c of which passed, k are drawn:

pass@k   the share of draws in which at least one passes: 1 - C(n-c, k) / C(n,
         k) (Chen et al., arXiv:2107.03374, 2021)
pass^k   the share of draws in which all pass: C(c, k) / C(n, k) (Yao et al.,
         tau-bench, arXiv:2406.12045, 2024)

The report has the mean over the cases with at least k decided trials, and how
many those are. With k, cases with few trials drop out, so rows of different k
may rest on different cases. Both are unbiased for the cases that were tried;
they say nothing of other cases. `debrief retro attempts --opt case=input.task`
computes them.
]] },
}

function explain.options(command)
  local names = {}
  for i, topic in ipairs(topics) do names[i] = topic[1] end
  command:argument "TOPIC":target "topic":args "?":choices(names):argname "TOPIC"
    :description "What to explain (default: list the topics)."
end

function explain.run(args)
  for _, topic in ipairs(topics) do
    if args.topic == topic[1] then output.write(topic[3]) end
    if not args.topic then output.write(("%-10s  %s\n"):format(topic[1], topic[2])) end
  end
  return 0
end

return explain
