//! The files of version 0.1. Written by `XTRLV2_FIXTURES_BLESS=1 cargo test -p xtrlv2-fixtures table`;
//! the entry of a file that is removed has to be removed first, by hand.

use crate::Artifact;

pub(crate) const ARTIFACTS: &[Artifact] = &[
    Artifact {
        path: "examples/invalid/evidence_capsule.files_changed_is_text.json",
        bytes: include_bytes!("../v0.1/examples/invalid/evidence_capsule.files_changed_is_text.json"),
        sha256: "14260d75a5af49075c95547863f6ebefc217eafb5b9d2d00ab32bacdd25e1cf2",
    },
    Artifact {
        path: "examples/invalid/evidence_capsule.hash_in_upper_case.json",
        bytes: include_bytes!("../v0.1/examples/invalid/evidence_capsule.hash_in_upper_case.json"),
        sha256: "03f3f260d99281f2bdaa836b9204185e289bc3784dc2224c5d8920be87291790",
    },
    Artifact {
        path: "examples/invalid/gate_decision.extra_member.json",
        bytes: include_bytes!("../v0.1/examples/invalid/gate_decision.extra_member.json"),
        sha256: "cd0125ef14862111078aa4985ece82bb98dfc5399ccc1643977a22e6e35ecce1",
    },
    Artifact {
        path: "examples/invalid/gate_decision.unknown_decision.json",
        bytes: include_bytes!("../v0.1/examples/invalid/gate_decision.unknown_decision.json"),
        sha256: "b71b757a4502020a5671fee122c15165f9b66aa86f15ef74da71b6eaf27b1bb1",
    },
    Artifact {
        path: "examples/invalid/gate_decision.unknowns_policy_not_here.json",
        bytes: include_bytes!("../v0.1/examples/invalid/gate_decision.unknowns_policy_not_here.json"),
        sha256: "25b1861aa69078791c20b5661e9fbcd6fd531f653ced46d1cff85b04b568fdfb",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.allow_as_deny_decision.json",
        bytes: include_bytes!("../v0.1/examples/invalid/guardrails_bundle.allow_as_deny_decision.json"),
        sha256: "aceed223944167e2e24560ef305d82aa7452e32588d89a258250908b9f12c668",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.confidence_above_one.json",
        bytes: include_bytes!("../v0.1/examples/invalid/guardrails_bundle.confidence_above_one.json"),
        sha256: "6911390822bce6bd5e3a33d704133d0312300e0007fac8222d82d98dba56680b",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.lower_case_reason_code.json",
        bytes: include_bytes!("../v0.1/examples/invalid/guardrails_bundle.lower_case_reason_code.json"),
        sha256: "d89a9062f55026b8d27023371cb7b875750249cca7ff682675c6cfcd86a455cd",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.negative_max_unknowns.json",
        bytes: include_bytes!("../v0.1/examples/invalid/guardrails_bundle.negative_max_unknowns.json"),
        sha256: "d805ed39558a3e94a5f6742292a26145cab1350d84fd358ba4a377b2548aebaf",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.no_guards.json",
        bytes: include_bytes!("../v0.1/examples/invalid/guardrails_bundle.no_guards.json"),
        sha256: "edf780bf463ce90f73013beb2463764506d43690922dc314fc18e33f2986e6c0",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.short_operator_message.json",
        bytes: include_bytes!("../v0.1/examples/invalid/guardrails_bundle.short_operator_message.json"),
        sha256: "8dc7db618723c4cd3eaac69a532f97d463b3cc15b4e4e3e707f9c3da985d5809",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.unknowns_field_renamed.json",
        bytes: include_bytes!("../v0.1/examples/invalid/guardrails_bundle.unknowns_field_renamed.json"),
        sha256: "fbdf2128af040e30c3cdddb3c5b4607b78c08a440285ec40d469316ccbf3d17b",
    },
    Artifact {
        path: "examples/invalid/helper_event.base_sha_too_short.json",
        bytes: include_bytes!("../v0.1/examples/invalid/helper_event.base_sha_too_short.json"),
        sha256: "471749673acd905ba9f7bcec4ab8e764d024f0b9433f74c8daf6aaf044d62898",
    },
    Artifact {
        path: "examples/invalid/helper_event.no_files_changed.json",
        bytes: include_bytes!("../v0.1/examples/invalid/helper_event.no_files_changed.json"),
        sha256: "a328ce09337ca65963a34bf065dc47535fce464a96e7c42b56525a4edccbbbc2",
    },
    Artifact {
        path: "examples/invalid/helper_event.no_touched_paths.json",
        bytes: include_bytes!("../v0.1/examples/invalid/helper_event.no_touched_paths.json"),
        sha256: "f493b7e35119982a4fabad413c39c23922453457a2568f067403aa52073981cc",
    },
    Artifact {
        path: "examples/invalid/helper_event.wrong_event.json",
        bytes: include_bytes!("../v0.1/examples/invalid/helper_event.wrong_event.json"),
        sha256: "58b037cd861f63dede70c030104a562fc28bb2466da6ec0fd912b97e0c155d29",
    },
    Artifact {
        path: "examples/invalid/latest_state.no_ledger_path.json",
        bytes: include_bytes!("../v0.1/examples/invalid/latest_state.no_ledger_path.json"),
        sha256: "fe5033d4b1656d68fbe79baa2988ec5e09009d4ef4b5241f705e24c71a0d5c3a",
    },
    Artifact {
        path: "examples/invalid/ledger_entry.skip_for_skipped.json",
        bytes: include_bytes!("../v0.1/examples/invalid/ledger_entry.skip_for_skipped.json"),
        sha256: "6467d5f22f4c0e6c585604b2608dd4e225940fc0d726496a2df6d2dc3b5de5d3",
    },
    Artifact {
        path: "examples/invalid/ledger_entry.unknown_phase.json",
        bytes: include_bytes!("../v0.1/examples/invalid/ledger_entry.unknown_phase.json"),
        sha256: "dd6a5466fc547491b4f1eca7e7e249c25ef5b919f6f2ab1aa633f329b982ac9c",
    },
    Artifact {
        path: "examples/invalid/reason_codes.class_changed.json",
        bytes: include_bytes!("../v0.1/examples/invalid/reason_codes.class_changed.json"),
        sha256: "6159d53d36263c56e69ed0da4fb1334b5b453b699da491861ae83c65bd5299ef",
    },
    Artifact {
        path: "examples/invalid/reason_codes.code_added.json",
        bytes: include_bytes!("../v0.1/examples/invalid/reason_codes.code_added.json"),
        sha256: "e57bea1381e8f211e769e7f33b962ab43a07154d9d7e5660a1b24ab2c817ab4b",
    },
    Artifact {
        path: "examples/invalid/reason_codes.code_missing.json",
        bytes: include_bytes!("../v0.1/examples/invalid/reason_codes.code_missing.json"),
        sha256: "76c8a1dae303c1f527bfc1658a069c91fdc1180eaa55f4b7db705f9d3329b167",
    },
    Artifact {
        path: "examples/invalid/reason_codes.precedence_reordered.json",
        bytes: include_bytes!("../v0.1/examples/invalid/reason_codes.precedence_reordered.json"),
        sha256: "3e683ab7e2e53456859c04d90f1cbcf656efb710d23322b8f9dcb9aac04f78a6",
    },
    Artifact {
        path: "examples/invalid/reason_codes.version_bumped.json",
        bytes: include_bytes!("../v0.1/examples/invalid/reason_codes.version_bumped.json"),
        sha256: "9e5c5ccbff472412e56ceb65a4fcde2f021b7f4eed075726cefb5ac25251c265",
    },
    Artifact {
        path: "examples/invalid/run_manifest.negative_budget.json",
        bytes: include_bytes!("../v0.1/examples/invalid/run_manifest.negative_budget.json"),
        sha256: "7062fe7becb0cc4f15b1f7cd4ebb073a2e36996d54e1f248b6cfd74ce55e65f7",
    },
    Artifact {
        path: "examples/invalid/run_manifest.policy_with_extra.json",
        bytes: include_bytes!("../v0.1/examples/invalid/run_manifest.policy_with_extra.json"),
        sha256: "098b444d3c3bac2e096dd988d0c4160e69381a4b085c8cd0a2720aa328af7310",
    },
    Artifact {
        path: "examples/invalid/state_space.denied_with_allow.json",
        bytes: include_bytes!("../v0.1/examples/invalid/state_space.denied_with_allow.json"),
        sha256: "4d8bf657f6cdc710590b3137a3e8a28afdfc21a639ad8675223d7cdc807d9d35",
    },
    Artifact {
        path: "examples/invalid/state_space.unknown_status.json",
        bytes: include_bytes!("../v0.1/examples/invalid/state_space.unknown_status.json"),
        sha256: "505eaa235c89d446550149f042bd48b51b32abff23c335cb46a04e89270f518a",
    },
    Artifact {
        path: "examples/valid/evidence_capsule.json",
        bytes: include_bytes!("../v0.1/examples/valid/evidence_capsule.json"),
        sha256: "88234f41cb8b8aa08642304f8ca110ed1ffbd87b65e20f7ca2f2772c2a2ca877",
    },
    Artifact {
        path: "examples/valid/gate_decision.json",
        bytes: include_bytes!("../v0.1/examples/valid/gate_decision.json"),
        sha256: "155a3799aa8934c62089414d2b604bf140b0ab127426944f7051571e924a9b8d",
    },
    Artifact {
        path: "examples/valid/guardrails_bundle.json",
        bytes: include_bytes!("../v0.1/examples/valid/guardrails_bundle.json"),
        sha256: "e27c65e92ad50bf4e54013649eaa545e26604deb9e377c7efbb2d8bee57618fb",
    },
    Artifact {
        path: "examples/valid/helper_event.json",
        bytes: include_bytes!("../v0.1/examples/valid/helper_event.json"),
        sha256: "37c6bd36b61f7fcfe9bbac110d521ecaf8557c01d51f26ca46676baacf4b5528",
    },
    Artifact {
        path: "examples/valid/helper_event.short_base_sha.json",
        bytes: include_bytes!("../v0.1/examples/valid/helper_event.short_base_sha.json"),
        sha256: "326646a5433547b0d14384721486fdb71b8c1fe4d2bd0b3fa005a995fb2e0f5f",
    },
    Artifact {
        path: "examples/valid/latest_state.json",
        bytes: include_bytes!("../v0.1/examples/valid/latest_state.json"),
        sha256: "7ed52cdb05aaef586c2b45d9d6d66bf21ae43d014fb3549beefdf32ee9aca4a8",
    },
    Artifact {
        path: "examples/valid/ledger_entry.json",
        bytes: include_bytes!("../v0.1/examples/valid/ledger_entry.json"),
        sha256: "5c146dddee0f2124cbc987e5b4a6b898ee1e0c3e4ca784a7d5983f3c4c197b3c",
    },
    Artifact {
        path: "examples/valid/reason_codes.json",
        bytes: include_bytes!("../v0.1/examples/valid/reason_codes.json"),
        sha256: "081c0cbf2b7ca966af07e015f7ed41aec8240713f01808d085bd204c75e9a0c3",
    },
    Artifact {
        path: "examples/valid/run_manifest.json",
        bytes: include_bytes!("../v0.1/examples/valid/run_manifest.json"),
        sha256: "c0b13c6bdd51cba884542a8bc1a2e422ddf1e53e9e6863f793ea826c7d40fd9f",
    },
    Artifact {
        path: "examples/valid/state_space.json",
        bytes: include_bytes!("../v0.1/examples/valid/state_space.json"),
        sha256: "bc659ec68719f3d8bc55b8021791076d850c912d8a315651114a23d6908df8dc",
    },
    Artifact {
        path: "reason_codes.json",
        bytes: include_bytes!("../v0.1/reason_codes.json"),
        sha256: "081c0cbf2b7ca966af07e015f7ed41aec8240713f01808d085bd204c75e9a0c3",
    },
    Artifact {
        path: "registry.json",
        bytes: include_bytes!("../v0.1/registry.json"),
        sha256: "9e91325f0d2ba87feca92d7b65ff919d14ffaa9fe7b7027361ebf688a484d8ff",
    },
    Artifact {
        path: "schemas/common.schema.json",
        bytes: include_bytes!("../v0.1/schemas/common.schema.json"),
        sha256: "b99a4ea71ad43e2a4d9098652c6fa232ffaf885d88087ff208d33dcc4c6527d4",
    },
    Artifact {
        path: "schemas/evidence_capsule.schema.json",
        bytes: include_bytes!("../v0.1/schemas/evidence_capsule.schema.json"),
        sha256: "712bf373b8922b346ac3076498ed6f3e279e1f0bf5fa4eccdba77afa443ba3da",
    },
    Artifact {
        path: "schemas/gate_decision.schema.json",
        bytes: include_bytes!("../v0.1/schemas/gate_decision.schema.json"),
        sha256: "da3342653a400ff300200b1927ce165c762c429ce71d98bd1469f4824b7aa360",
    },
    Artifact {
        path: "schemas/guard.schema.json",
        bytes: include_bytes!("../v0.1/schemas/guard.schema.json"),
        sha256: "14c21802a4a7d963a590fe5cc1b23bb3ed0e823736e1b1f7e161b8052d0cfd8c",
    },
    Artifact {
        path: "schemas/guardrails_bundle.schema.json",
        bytes: include_bytes!("../v0.1/schemas/guardrails_bundle.schema.json"),
        sha256: "20065f00abd49c50d46f755e8b4047e7c0baf7d0f9ded91edffd6e4b6a67addc",
    },
    Artifact {
        path: "schemas/helper_event.schema.json",
        bytes: include_bytes!("../v0.1/schemas/helper_event.schema.json"),
        sha256: "46de4ded3e4560df80df5700dcf8c53cdea577b1e452797819a90d620eb38533",
    },
    Artifact {
        path: "schemas/latest_state.schema.json",
        bytes: include_bytes!("../v0.1/schemas/latest_state.schema.json"),
        sha256: "b08812cc0c89e8ec5b7c3fa93d533f1ada373ccafb8eb0acc548fabf52d79d31",
    },
    Artifact {
        path: "schemas/ledger_entry.schema.json",
        bytes: include_bytes!("../v0.1/schemas/ledger_entry.schema.json"),
        sha256: "98892341a17aedaef287f782d3d016ce4919d80098aa9c5cc93dd679e5798457",
    },
    Artifact {
        path: "schemas/meta.schema.json",
        bytes: include_bytes!("../v0.1/schemas/meta.schema.json"),
        sha256: "443ca31c8f4509be4726fa0c68e7cfee4e02c83c8358cbcf35611f133456540b",
    },
    Artifact {
        path: "schemas/reason_codes.schema.json",
        bytes: include_bytes!("../v0.1/schemas/reason_codes.schema.json"),
        sha256: "7a9d124c6754a8ea3d16054dcdd9eb297b827e1cef7db385402b22f211a66e08",
    },
    Artifact {
        path: "schemas/run_manifest.schema.json",
        bytes: include_bytes!("../v0.1/schemas/run_manifest.schema.json"),
        sha256: "2cec7a01b1773f2b632e6d20bac0dc654a12fc8a53076f512f21b86c49c0b5ef",
    },
    Artifact {
        path: "schemas/state_space.schema.json",
        bytes: include_bytes!("../v0.1/schemas/state_space.schema.json"),
        sha256: "ee4dbb4044150b68c65a9f1a011063cc7bb17550d6690d6ada4c4014375ae3e1",
    },
];
