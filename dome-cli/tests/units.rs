//! Tables, carets, annotations and bars: what is rendered from values alone, without the command around it.

#[allow(dead_code, unreachable_pub, reason = "the command uses the rest")]
#[path = "../src/render/caret.rs"]
mod caret;
#[allow(dead_code, unreachable_pub, reason = "the command uses the rest")]
#[path = "../src/render/chart.rs"]
mod chart;
#[allow(dead_code, unreachable_pub, reason = "the command uses the rest")]
#[path = "../src/render/github.rs"]
mod github;
#[allow(dead_code, unreachable_pub, reason = "the command uses the rest")]
#[path = "../src/table.rs"]
mod table;

mod table_tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    use super::table::*;

    fn table(cells: &[[&str; 4]]) -> TextTable {
        let columns =
            [("count", Column::Number), ("name", Column::Cut), ("more", Column::Spare), ("key", Column::Kept)];
        let mut table = TextTable::new(columns.to_vec());
        cells.iter().for_each(|row| table.row(row.map(str::to_owned).to_vec()));
        table
    }

    #[test]
    fn a_table_is_cut_to_the_width() {
        let table = table(&[
            ["1 234", "a name that is far too long", "一二三四五六七八九十", "0123456789ab"],
            ["5", "short", "-", "ba9876543210"],
        ]);
        insta::assert_snapshot!(table.render(100), @r"
        count  name                         more                  key
        1 234  a name that is far too long  一二三四五六七八九十  0123456789ab
            5  short                        -                     ba9876543210
        ");
        insta::assert_snapshot!(table.render(68), @r"
        count  name                       more                  key
        1 234  a name that is far too l…  一二三四五六七八九十  0123456789ab
            5  short                      -                     ba9876543210
        ");
        insta::assert_snapshot!(table.render(40), @r"
        count  name                 key
        1 234  a name that is far…  0123456789ab
            5  short                ba9876543210
        ");
    }

    #[test]
    fn a_long_line_goes_on_below() {
        let long = "  support_count +1, run_count +1 (M-80); 0123456789012345678901234567890";
        insta::assert_snapshot!(wrapped(long, 24).join("\n"), @r"
        support_count +1,
            run_count +1
            (M-80);
            012345678901234567
            8901234567890
        ");
    }

    proptest! {
        #[test]
        fn wrapped_lines_fit_and_lose_nothing(text in " {0,4}[a-z一 ]{0,80}", width in 24_usize..60) {
            let lines = wrapped(&text, width);
            for line in &lines {
                prop_assert!(line.width() <= width, "{line}");
            }
            let bare = |text: &str| text.chars().filter(|character| *character != ' ').collect::<String>();
            prop_assert_eq!(bare(&lines.concat()), bare(&text));
        }

        #[test]
        fn no_line_is_wider_than_the_terminal(name in "\\PC{0,60}", more in "\\PC{0,60}", width in 31_usize..120) {
            let table = table(&[["12", &name, &more, "0123456789ab"]]);
            for line in table.render(width).lines() {
                prop_assert!(line.width() <= width, "{} > {width}: {line}", line.width());
            }
        }
    }
}

mod caret_tests {
    use super::caret::*;

    fn shown(line: &str) -> String {
        let Err(rejection) = dome_core::read(line.as_bytes()) else { unreachable!("the lines here are bad") };
        rejection.problems().iter().map(|problem| show("a.jsonl", 7, line, problem, false)).collect()
    }

    #[test]
    fn m30_a_problem_is_pointed_at() {
        insta::assert_snapshot!(shown("{\"a\": \"é\u{4e00}\", tru}"), @r#"
        error[json_invalid]: expected a member's name in double quotes (column 13)
         --> a.jsonl:7:13
          |
        7 | {"a": "é一", tru}
          |              ^ 
        "#);
    }

    #[test]
    fn m30_long_lines_are_shown_around_the_place() {
        let line = format!("{{\"labels\": {{\"{}\": \"\", \"k\": 1}}}}", "x".repeat(200));
        let Some(found) = shown(&line).split("error").find(|problem| problem.contains("/labels")).map(str::to_owned)
        else {
            unreachable!("a label is no string")
        };
        insta::assert_snapshot!(found, @r#"
        [wrong_type]: expected a string, found an integer `1`
         --> a.jsonl:7:226
          |
        7 | …xxxxxxxxxxxxxxxxxxxxxxxxxxxx": "", "k": 1}}
          |                                          ^ /labels/k
        "#);
    }
}

mod github_tests {
    use super::github::*;

    #[test]
    fn what_ends_a_property_or_a_command_is_escaped() {
        let place = Annotated { file: Some("a,b:c%\n.jsonl"), line: 7, column: 3 };
        assert_eq!(
            annotation(&place, "wrong_type", "/env/a,b", "50 %: x\r\n::error::y"),
            "::error file=a%2Cb%3Ac%25%0A.jsonl,line=7,col=3,title=wrong_type::/env/a,b: 50 %25: x%0D%0A::error::y"
        );
        let nowhere = Annotated { file: None, line: 7, column: 3 };
        assert_eq!(annotation(&nowhere, "json_invalid", "", "no"), "::error title=json_invalid::line 7:3: no");
    }
}

mod chart_tests {
    use super::chart::*;

    #[test]
    fn bars_fill_from_nothing_to_all() {
        let filled = |ppm| bar(Some(ppm)).chars().filter(|block| *block == '█').count();
        assert_eq!([0, 1, 50_000, 50_001, 999_999, 1_000_000].map(filled), [0, 1, 1, 2, 20, 20]);
        assert_eq!([0, 999, 206_543, 1_000_000].map(percent), ["0.0 %", "0.0 %", "20.6 %", "100.0 %"]);
        assert_eq!((share(ppm(1, 3)), share(ppm(0, 0))), ("33.3 %".to_owned(), "-".to_owned()));
    }
}
