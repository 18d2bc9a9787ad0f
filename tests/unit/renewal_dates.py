"""Decide-by dates worked out by hand from a paper calendar, one a line, for the test beside it.

Columns: what the line shows | owner's country | first and last day of the contract | what it says | the decision and
the last day of the period it is about | not before | not after | decide by, with its weekday.

"What it says" are words: a notice period, `auto` (goes on by itself), `post 3` (receipt counts, three working days
under way), `EA`, `NC`, `true-up` with or without the first day of its period, `sun-thu` (the working week).
"""

from __future__ import annotations

#: 2024 and 2028 are leap years. Easter Monday: 6 Apr 2026, 29 Mar 2027.
TABLE = """
# months: the same day number, or the month's last
Sunday, brought forward          |    | 2025-04-01 2027-03-31 | 2 months          | cancel 2027-03-31  |            | 2027-01-31 | Fri 2027-01-29
the same for a reduction         |    | 2025-04-01 2027-03-31 | 2 months          | reduce 2027-03-31  |            | 2027-01-31 | Fri 2027-01-29
no 31 February                   |    | 2026-04-01 2027-03-31 | 1 month           | cancel 2027-03-31  |            | 2027-02-28 | Fri 2027-02-26
leap February                    |    | 2027-04-01 2028-03-31 | 1 month           | cancel 2028-03-31  |            | 2028-02-29 | Tue 2028-02-29
three months from May            |    | 2026-06-01 2027-05-31 | 3 months          | cancel 2027-05-31  |            | 2027-02-28 | Fri 2027-02-26
three months from May, leap      |    | 2027-06-01 2028-05-31 | 3 months          | cancel 2028-05-31  |            | 2028-02-29 | Tue 2028-02-29
no 30 February                   |    | 2026-05-01 2027-04-30 | 2 months          | cancel 2027-04-30  |            | 2027-02-28 | Fri 2027-02-26
a year before 29 February        |    | 2024-03-01 2028-02-29 | 12 months         | cancel 2028-02-29  |            | 2027-02-28 | Fri 2027-02-26
a month before 29 February       |    | 2024-03-01 2028-02-29 | 1 month           | cancel 2028-02-29  |            | 2028-01-29 | Fri 2028-01-28
the 28th stays the 28th          |    | 2026-03-01 2027-02-28 | 1 month           | cancel 2027-02-28  |            | 2027-01-28 | Thu 2027-01-28
31st to the 30th                 |    | 2026-01-01 2026-12-31 | 3 months          | cancel 2026-12-31  |            | 2026-09-30 | Wed 2026-09-30
one month at the year's end      |    | 2026-01-01 2026-12-31 | 1 month           | cancel 2026-12-31  |            | 2026-11-30 | Mon 2026-11-30
half a year                      |    | 2025-07-01 2027-06-30 | 6 months          | cancel 2027-06-30  |            | 2026-12-30 | Wed 2026-12-30
half a year into February        |    | 2025-09-01 2027-08-31 | 6 months          | cancel 2027-08-31  |            | 2027-02-28 | Fri 2027-02-26
mid-month                        |    | 2026-01-16 2027-01-15 | 2 months          | cancel 2027-01-15  |            | 2026-11-15 | Fri 2026-11-13
July to June                     |    | 2026-08-01 2027-07-31 | 1 month           | cancel 2027-07-31  |            | 2027-06-30 | Wed 2027-06-30
no notice: the last day itself   |    | 2026-11-01 2027-10-31 | 0 months          | cancel 2027-10-31  |            | 2027-10-31 | Fri 2027-10-29
# calendar days
60 days, a Saturday              |    | 2026-04-01 2027-03-31 | 60 days           | cancel 2027-03-31  |            | 2027-01-30 | Fri 2027-01-29
60 days over a leap day          |    | 2027-04-01 2028-03-31 | 60 days           | cancel 2028-03-31  |            | 2028-01-31 | Mon 2028-01-31
90 days                          |    | 2026-01-01 2026-12-31 | 90 days           | cancel 2026-12-31  |            | 2026-10-02 | Fri 2026-10-02
30 days                          |    | 2026-01-01 2026-12-31 | 30 days           | cancel 2026-12-31  |            | 2026-12-01 | Tue 2026-12-01
a day before March, leap         |    | 2027-03-02 2028-03-01 | 1 day             | cancel 2028-03-01  |            | 2028-02-29 | Tue 2028-02-29
a day before March               |    | 2026-03-02 2027-03-01 | 1 day             | cancel 2027-03-01  |            | 2027-02-28 | Fri 2027-02-26
45 days over New Year            |    | 2026-02-01 2027-01-31 | 45 days           | cancel 2027-01-31  |            | 2026-12-17 | Thu 2026-12-17
180 days to New Year, no country |    | 2025-07-01 2027-06-30 | 180 days          | cancel 2027-06-30  |            | 2027-01-01 | Fri 2027-01-01
180 days to New Year in France   | FR | 2025-07-01 2027-06-30 | 180 days          | cancel 2027-06-30  |            | 2027-01-01 | Thu 2026-12-31
no days at all                   |    | 2026-08-16 2027-08-15 | 0 days            | cancel 2027-08-15  |            | 2027-08-15 | Fri 2027-08-13
# weeks
six weeks                        |    | 2026-04-01 2027-03-31 | 6 weeks           | cancel 2027-03-31  |            | 2027-02-17 | Wed 2027-02-17
four weeks to a Sunday           |    | 2026-03-29 2027-03-28 | 4 weeks           | cancel 2027-03-28  |            | 2027-02-28 | Fri 2027-02-26
two weeks to a leap day          |    | 2027-03-15 2028-03-14 | 2 weeks           | cancel 2028-03-14  |            | 2028-02-29 | Tue 2028-02-29
a week to New Year in Germany    | DE | 2026-01-09 2027-01-08 | 1 week            | cancel 2027-01-08  |            | 2027-01-01 | Thu 2026-12-31
twelve weeks                     |    | 2027-01-01 2027-12-31 | 12 weeks          | cancel 2027-12-31  |            | 2027-10-08 | Fri 2027-10-08
# working days of the owner's country
20, no holidays                  |    | 2026-04-01 2027-03-31 | 20 working days   | cancel 2027-03-31  |            | 2027-03-03 | Wed 2027-03-03
20 over Easter in France         | FR | 2026-04-01 2027-03-31 | 20 working days   | cancel 2027-03-31  |            | 2027-03-02 | Tue 2027-03-02
20 over Easter in Germany        | DE | 2026-04-01 2027-03-31 | 20 working days   | cancel 2027-03-31  |            | 2027-03-01 | Mon 2027-03-01
10 over Christmas in America     | US | 2026-01-01 2026-12-31 | 10 working days   | cancel 2026-12-31  |            | 2026-12-16 | Wed 2026-12-16
10 over Christmas in Britain     | GB | 2026-01-01 2026-12-31 | 10 working days   | cancel 2026-12-31  |            | 2026-12-15 | Tue 2026-12-15
5 over Golden Week in Japan      | JP | 2026-05-11 2027-05-10 | 5 working days    | cancel 2027-05-10  |            | 2027-04-27 | Tue 2027-04-27
1 before a Sunday                |    | 2026-02-01 2027-01-31 | 1 working day     | cancel 2027-01-31  |            | 2027-01-29 | Fri 2027-01-29
none, a Monday                   |    | 2026-02-02 2027-02-01 | 0 working days    | cancel 2027-02-01  |            | 2027-02-01 | Mon 2027-02-01
none, a Saturday                 |    | 2026-01-31 2027-01-30 | 0 working days    | cancel 2027-01-30  |            | 2027-01-30 | Fri 2027-01-29
Sunday is a working day there    | IL | 2025-04-01 2027-03-31 | 2 months sun-thu  | cancel 2027-03-31  |            | 2027-01-31 | Sun 2027-01-31
Friday and Saturday are not      | IL | 2026-01-31 2027-01-30 | 0 days sun-thu    | cancel 2027-01-30  |            | 2027-01-30 | Thu 2027-01-28
# public holidays
Bastille Day                     | FR | 2026-07-15 2027-07-14 | 0 days            | cancel 2027-07-14  |            | 2027-07-14 | Tue 2027-07-13
the same day elsewhere           | XX | 2026-07-15 2027-07-14 | 0 days            | cancel 2027-07-14  |            | 2027-07-14 | Wed 2027-07-14
New Year's Day                   | FR | 2026-02-02 2027-02-01 | 1 month           | cancel 2027-02-01  |            | 2027-01-01 | Thu 2026-12-31
Ascension                        | FR | 2026-07-07 2027-07-06 | 2 months          | cancel 2027-07-06  |            | 2027-05-06 | Wed 2027-05-05
4 July, a Sunday                 | US | 2026-08-05 2027-08-04 | 1 month           | cancel 2027-08-04  |            | 2027-07-04 | Fri 2027-07-02
Thanksgiving                     | US | 2025-12-27 2026-12-26 | 1 month           | cancel 2026-12-26  |            | 2026-11-26 | Wed 2026-11-25
the day after works              | US | 2025-12-28 2026-12-27 | 1 month           | cancel 2026-12-27  |            | 2026-11-27 | Fri 2026-11-27
German unity, a Sunday           | DE | 2026-01-04 2028-01-03 | 3 months          | cancel 2028-01-03  |            | 2027-10-03 | Fri 2027-10-01
1 May, a Monday                  | DE | 2026-06-02 2028-06-01 | 1 month           | cancel 2028-06-01  |            | 2028-05-01 | Fri 2028-04-28
Boxing Day and Christmas         | GB | 2026-01-27 2027-01-26 | 30 days           | cancel 2027-01-26  |            | 2026-12-27 | Thu 2026-12-24
Sweden's day                     | SE | 2026-09-07 2028-09-06 | 3 months          | cancel 2028-09-06  |            | 2028-06-06 | Mon 2028-06-05
Switzerland's day                | CH | 2026-09-02 2028-09-01 | 1 month           | cancel 2028-09-01  |            | 2028-08-01 | Mon 2028-07-31
King's Day                       | NL | 2026-07-28 2027-07-27 | 3 months          | cancel 2027-07-27  |            | 2027-04-27 | Mon 2027-04-26
New Year in Japan                | JP | 2026-02-03 2027-02-02 | 1 month           | cancel 2027-02-02  |            | 2027-01-02 | Thu 2026-12-31
Poland's independence            | PL | 2025-12-12 2026-12-11 | 1 month           | cancel 2026-12-11  |            | 2026-11-11 | Tue 2026-11-10
Canada Day                       | CA | 2026-10-02 2027-10-01 | 3 months          | cancel 2027-10-01  |            | 2027-07-01 | Wed 2027-06-30
# receipt counts
three days by post               |    | 2025-04-01 2027-03-31 | 2 months post 3   | cancel 2027-03-31  |            | 2027-01-31 | Tue 2027-01-26
five days by post                | FR | 2026-04-01 2027-03-31 | 60 days post 5    | cancel 2027-03-31  |            | 2027-01-30 | Fri 2027-01-22
no post over Easter              | DE | 2026-07-01 2027-06-30 | 3 months post 2   | cancel 2027-06-30  |            | 2027-03-30 | Wed 2027-03-24
no post over Christmas           | GB | 2026-02-01 2027-01-31 | 30 days post 4    | cancel 2027-01-31  |            | 2027-01-01 | Wed 2026-12-23
received the same day            |    | 2026-04-01 2027-03-31 | 1 month post 0    | cancel 2027-03-31  |            | 2027-02-28 | Fri 2027-02-26
working days, then post          |    | 2026-04-01 2027-03-31 | 10 working days post 2 | cancel 2027-03-31 |          | 2027-03-17 | Mon 2027-03-15
# Microsoft Enterprise Agreement: 60 to 30 days before the anniversary, in the last year within 30 days of the end
first anniversary, true-up       |    | 2025-04-01 2028-03-31 | EA                | true_up 2026-03-31 | 2026-01-31 | 2026-03-02 | Mon 2026-03-02
first anniversary, statement     |    | 2025-04-01 2028-03-31 | EA                | reduce 2026-03-31  | 2026-01-31 | 2026-03-02 | Mon 2026-03-02
second anniversary               |    | 2025-04-01 2028-03-31 | EA                | true_up 2027-03-31 | 2027-01-31 | 2027-03-02 | Tue 2027-03-02
last year                        |    | 2025-04-01 2028-03-31 | EA                | true_up 2028-03-31 | 2028-03-01 | 2028-03-31 | Fri 2028-03-31
last year, statement             |    | 2025-04-01 2028-03-31 | EA                | reduce 2028-03-31  | 2028-03-01 | 2028-03-31 | Fri 2028-03-31
with a notice of its own         |    | 2025-04-01 2028-03-31 | EA 60 days        | cancel 2028-03-31  |            | 2028-01-31 | Mon 2028-01-31
calendar year                    | DE | 2025-01-01 2027-12-31 | EA                | true_up 2025-12-31 | 2025-11-02 | 2025-12-02 | Tue 2025-12-02
calendar year, second            | DE | 2025-01-01 2027-12-31 | EA                | true_up 2026-12-31 | 2026-11-02 | 2026-12-02 | Wed 2026-12-02
calendar year, end               | DE | 2025-01-01 2027-12-31 | EA                | true_up 2027-12-31 | 2027-12-01 | 2027-12-31 | Fri 2027-12-31
begun on a leap day              |    | 2024-02-29 2027-02-27 | EA                | true_up 2025-02-27 | 2024-12-30 | 2025-01-29 | Wed 2025-01-29
begun on a leap day, end         |    | 2024-02-29 2027-02-27 | EA                | true_up 2027-02-27 | 2027-01-28 | 2027-02-27 | Fri 2027-02-26
a window that ends on a Sunday   |    | 2024-07-01 2027-06-30 | EA                | true_up 2025-06-30 | 2025-05-02 | 2025-06-01 | Fri 2025-05-30
# Microsoft new commerce: at renewal, or within 7 days of purchase or renewal
renewal switched off             |    | 2025-12-15 2026-12-14 | NC  auto          | cancel 2026-12-14  | 2025-12-15 | 2026-12-14 | Mon 2026-12-14
fewer at renewal                 |    | 2025-12-15 2026-12-14 | NC  auto          | reduce 2026-12-14  | 2025-12-15 | 2026-12-14 | Mon 2026-12-14
7 days of purchase               |    | 2025-12-15 2026-12-14 | NC  auto          | cancel 2026-12-14  | 2025-12-15 | 2025-12-21 | Fri 2025-12-19
fewer in 7 days, unconfirmed     |    | 2025-12-15 2026-12-14 | NC  auto          | reduce 2026-12-14  | 2025-12-15 | 2025-12-21 | Fri 2025-12-19
7 days of renewal                |    | 2025-12-15 2026-12-14 | NC  auto          | cancel 2027-12-14  | 2026-12-15 | 2026-12-21 | Mon 2026-12-21
the next renewal                 |    | 2025-12-15 2026-12-14 | NC  auto          | cancel 2027-12-14  | 2026-12-15 | 2027-12-14 | Tue 2027-12-14
bought on a leap day             |    | 2028-02-29 2029-02-27 | NC                | cancel 2029-02-27  | 2028-02-29 | 2029-02-27 | Tue 2029-02-27
7 days that end at Christmas     | US | 2026-12-19 2027-12-18 | NC                | cancel 2027-12-18  | 2026-12-19 | 2026-12-25 | Thu 2026-12-24
a notice period changes nothing  |    | 2025-12-15 2026-12-14 | NC  3 months      | cancel 2026-12-14  | 2025-12-15 | 2026-12-14 | Mon 2026-12-14
# other contracts with a true-up at each anniversary
first year                       |    | 2024-10-01 2027-09-30 | true-up           | true_up 2025-09-30 |            | 2025-09-30 | Tue 2025-09-30
second year                      |    | 2024-10-01 2027-09-30 | true-up           | true_up 2026-09-30 |            | 2026-09-30 | Wed 2026-09-30
last year                        |    | 2024-10-01 2027-09-30 | true-up           | true_up 2027-09-30 |            | 2027-09-30 | Thu 2027-09-30
a period of its own              |    | 2024-10-01 2027-09-30 | true-up 2026-01-01 | true_up 2026-12-31 |           | 2026-12-31 | Thu 2026-12-31
leap day, first year             |    | 2024-02-29 2029-02-27 | true-up           | true_up 2025-02-27 |            | 2025-02-27 | Thu 2025-02-27
leap day, second year            |    | 2024-02-29 2029-02-27 | true-up           | true_up 2026-02-27 |            | 2026-02-27 | Fri 2026-02-27
leap day, in a leap year         |    | 2024-02-29 2029-02-27 | true-up           | true_up 2028-02-28 |            | 2028-02-28 | Mon 2028-02-28
an anniversary on a holiday      | DE | 2025-05-02 2028-05-01 | true-up           | true_up 2026-05-01 |            | 2026-05-01 | Thu 2026-04-30
# terms that follow by themselves are counted from the first day
a second year                    |    | 2026-01-31 2027-01-30 | 1 month auto      | cancel 2028-01-30  |            | 2027-12-30 | Thu 2027-12-30
a quarter that ends in February  |    | 2026-11-30 2027-02-27 | 14 days           | cancel 2027-02-27  |            | 2027-02-13 | Fri 2027-02-12
the quarter after it             |    | 2026-11-30 2027-02-27 | 14 days auto      | cancel 2027-05-29  |            | 2027-05-15 | Fri 2027-05-14
a fourth year from a leap day    |    | 2024-02-29 2025-02-27 | 1 month auto      | cancel 2028-02-28  |            | 2028-01-28 | Fri 2028-01-28
"""  # noqa: E501
