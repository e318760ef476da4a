//! The files of version 0.2. Written by `XTRLV2_FIXTURES_BLESS=1 cargo test -p xtrlv2-fixtures table`;
//! the entry of a file that is removed has to be removed first, by hand.

use crate::Artifact;

pub(crate) const ARTIFACTS: &[Artifact] = &[
    Artifact {
        path: "examples/invalid/evidence_capsule.files_changed_is_text.json",
        bytes: include_bytes!("../v0.2/examples/invalid/evidence_capsule.files_changed_is_text.json"),
        sha256: "ca52519a1086536c7d4d77d96199c73c4fe96b1a0b01716226f75241e632c4e7",
    },
    Artifact {
        path: "examples/invalid/evidence_capsule.hash_in_upper_case.json",
        bytes: include_bytes!("../v0.2/examples/invalid/evidence_capsule.hash_in_upper_case.json"),
        sha256: "f9d3b725e5ae963e2fcfcfae17d7d74870d5759b506d2b861af57ab21bbc6979",
    },
    Artifact {
        path: "examples/invalid/gate_decision.extra_member.json",
        bytes: include_bytes!("../v0.2/examples/invalid/gate_decision.extra_member.json"),
        sha256: "05f1654b5d017a4c0d369d43f1845a3043e113ecda55a0941f6bf0155aa82df1",
    },
    Artifact {
        path: "examples/invalid/gate_decision.unknown_decision.json",
        bytes: include_bytes!("../v0.2/examples/invalid/gate_decision.unknown_decision.json"),
        sha256: "18bfb5a4609becfc83a3a749685b44d729be638f427ade59391bb90e6ce1afa0",
    },
    Artifact {
        path: "examples/invalid/gate_decision.unknowns_policy_not_here.json",
        bytes: include_bytes!("../v0.2/examples/invalid/gate_decision.unknowns_policy_not_here.json"),
        sha256: "4faa16c54683a88af6241ddd43d7e67fb2c19bb39e87caeed2185497fc85b5e3",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.allow_as_deny_decision.json",
        bytes: include_bytes!("../v0.2/examples/invalid/guardrails_bundle.allow_as_deny_decision.json"),
        sha256: "e0844f7cea987c95151c54a647587fb03b43d7a34e8294930fff9bf7f52f43eb",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.confidence_above_one.json",
        bytes: include_bytes!("../v0.2/examples/invalid/guardrails_bundle.confidence_above_one.json"),
        sha256: "ed6b447a1e4d73e53f9e715858266efb9fcab558732bd72dda0ae7132001d3f2",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.lower_case_reason_code.json",
        bytes: include_bytes!("../v0.2/examples/invalid/guardrails_bundle.lower_case_reason_code.json"),
        sha256: "a3f1929a844b690cb1b185d26d1cd24ea007b34268e97ced84fbe2f2a4c9353d",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.negative_max_unknowns.json",
        bytes: include_bytes!("../v0.2/examples/invalid/guardrails_bundle.negative_max_unknowns.json"),
        sha256: "ba5e778252ef2fa415d1b9d11956d8a31d99c4f3e7f53301c7bbc2f18b0856ae",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.no_guards.json",
        bytes: include_bytes!("../v0.2/examples/invalid/guardrails_bundle.no_guards.json"),
        sha256: "247d2e23157d62d65f2356cef9fb0d2039ccca61b56bebdf0e1488745613419b",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.short_operator_message.json",
        bytes: include_bytes!("../v0.2/examples/invalid/guardrails_bundle.short_operator_message.json"),
        sha256: "efbca404d4324e0b4c53745f8e416a34947a44b60b0ccea9d556e812c8d4b7b9",
    },
    Artifact {
        path: "examples/invalid/guardrails_bundle.unknowns_field_renamed.json",
        bytes: include_bytes!("../v0.2/examples/invalid/guardrails_bundle.unknowns_field_renamed.json"),
        sha256: "4a8ac8cad800cc33c1fc4b5f6d7d12a361ef5a1ad024da91ad232f456a8cf4e9",
    },
    Artifact {
        path: "examples/invalid/helper_event.base_sha_too_short.json",
        bytes: include_bytes!("../v0.2/examples/invalid/helper_event.base_sha_too_short.json"),
        sha256: "471749673acd905ba9f7bcec4ab8e764d024f0b9433f74c8daf6aaf044d62898",
    },
    Artifact {
        path: "examples/invalid/helper_event.no_files_changed.json",
        bytes: include_bytes!("../v0.2/examples/invalid/helper_event.no_files_changed.json"),
        sha256: "a328ce09337ca65963a34bf065dc47535fce464a96e7c42b56525a4edccbbbc2",
    },
    Artifact {
        path: "examples/invalid/helper_event.no_touched_paths.json",
        bytes: include_bytes!("../v0.2/examples/invalid/helper_event.no_touched_paths.json"),
        sha256: "f493b7e35119982a4fabad413c39c23922453457a2568f067403aa52073981cc",
    },
    Artifact {
        path: "examples/invalid/helper_event.short_base_sha.json",
        bytes: include_bytes!("../v0.2/examples/invalid/helper_event.short_base_sha.json"),
        sha256: "326646a5433547b0d14384721486fdb71b8c1fe4d2bd0b3fa005a995fb2e0f5f",
    },
    Artifact {
        path: "examples/invalid/helper_event.wrong_event.json",
        bytes: include_bytes!("../v0.2/examples/invalid/helper_event.wrong_event.json"),
        sha256: "58b037cd861f63dede70c030104a562fc28bb2466da6ec0fd912b97e0c155d29",
    },
    Artifact {
        path: "examples/invalid/latest_state.no_ledger_path.json",
        bytes: include_bytes!("../v0.2/examples/invalid/latest_state.no_ledger_path.json"),
        sha256: "fe5033d4b1656d68fbe79baa2988ec5e09009d4ef4b5241f705e24c71a0d5c3a",
    },
    Artifact {
        path: "examples/invalid/ledger_entry.skip_for_skipped.json",
        bytes: include_bytes!("../v0.2/examples/invalid/ledger_entry.skip_for_skipped.json"),
        sha256: "6467d5f22f4c0e6c585604b2608dd4e225940fc0d726496a2df6d2dc3b5de5d3",
    },
    Artifact {
        path: "examples/invalid/ledger_entry.unknown_phase.json",
        bytes: include_bytes!("../v0.2/examples/invalid/ledger_entry.unknown_phase.json"),
        sha256: "dd6a5466fc547491b4f1eca7e7e249c25ef5b919f6f2ab1aa633f329b982ac9c",
    },
    Artifact {
        path: "examples/invalid/reason_codes.class_changed.json",
        bytes: include_bytes!("../v0.2/examples/invalid/reason_codes.class_changed.json"),
        sha256: "7921b2d67115e22b123c4343e2801d30bbf792ec3cdf86020a9612654098c829",
    },
    Artifact {
        path: "examples/invalid/reason_codes.code_added.json",
        bytes: include_bytes!("../v0.2/examples/invalid/reason_codes.code_added.json"),
        sha256: "8ff80ebae9c6bbc47374931e477bee0de83cd65f6b445be77b2bc4e1373dc30d",
    },
    Artifact {
        path: "examples/invalid/reason_codes.code_missing.json",
        bytes: include_bytes!("../v0.2/examples/invalid/reason_codes.code_missing.json"),
        sha256: "eb3b6df2cd161ec3b044ba319fdd293db85d67c72f54123e6ecd185be1ecfe37",
    },
    Artifact {
        path: "examples/invalid/reason_codes.precedence_reordered.json",
        bytes: include_bytes!("../v0.2/examples/invalid/reason_codes.precedence_reordered.json"),
        sha256: "d8131dade0039e9ddd330b924d041f5540eb5408faa059aa860504ecd7e58c08",
    },
    Artifact {
        path: "examples/invalid/reason_codes.version_bumped.json",
        bytes: include_bytes!("../v0.2/examples/invalid/reason_codes.version_bumped.json"),
        sha256: "82b54d51dcfe9bda12143b3e228b0e3ef7e35af08660baf5748e0fa40da6d7cd",
    },
    Artifact {
        path: "examples/invalid/run_manifest.negative_budget.json",
        bytes: include_bytes!("../v0.2/examples/invalid/run_manifest.negative_budget.json"),
        sha256: "a4a3d404f47f64747846b29aeb3f46b541f2ae8533c033038bf6ab73dfa871fa",
    },
    Artifact {
        path: "examples/invalid/run_manifest.policy_with_extra.json",
        bytes: include_bytes!("../v0.2/examples/invalid/run_manifest.policy_with_extra.json"),
        sha256: "5665587cbe7a9fb2317d58a4087c8fc1c0c0f6e330315c84b04e709fa4e46692",
    },
    Artifact {
        path: "examples/invalid/state_space.denied_with_allow.json",
        bytes: include_bytes!("../v0.2/examples/invalid/state_space.denied_with_allow.json"),
        sha256: "da21b991347b842715d349498cfb37b7bbf4f83916fcf90eac3553882bd4087f",
    },
    Artifact {
        path: "examples/invalid/state_space.unknown_status.json",
        bytes: include_bytes!("../v0.2/examples/invalid/state_space.unknown_status.json"),
        sha256: "f24991450e04617ba73093b771dd4c48ec7f06e3c3c3f773e55585fbbe8bc160",
    },
    Artifact {
        path: "examples/valid/evidence_capsule.json",
        bytes: include_bytes!("../v0.2/examples/valid/evidence_capsule.json"),
        sha256: "4b0771f65f732f49cb2162889c0f2d59bf62347f7005ab937f9249ebe0b7cb68",
    },
    Artifact {
        path: "examples/valid/gate_decision.json",
        bytes: include_bytes!("../v0.2/examples/valid/gate_decision.json"),
        sha256: "5cd5c3e42f8ecf4ec5e970ceb6d902e0050da3871512977fcf6cb65136eec62b",
    },
    Artifact {
        path: "examples/valid/gate_decision.operator_note.json",
        bytes: include_bytes!("../v0.2/examples/valid/gate_decision.operator_note.json"),
        sha256: "da754c48156463a619be5c9f5b9a4893ede1145d0d82c0f7c50be2dfd510c723",
    },
    Artifact {
        path: "examples/valid/guardrails_bundle.json",
        bytes: include_bytes!("../v0.2/examples/valid/guardrails_bundle.json"),
        sha256: "df2e8b9c291589a340fdccd496fc1825204b1dff672ed641db17e3c53208f4b0",
    },
    Artifact {
        path: "examples/valid/helper_event.json",
        bytes: include_bytes!("../v0.2/examples/valid/helper_event.json"),
        sha256: "37c6bd36b61f7fcfe9bbac110d521ecaf8557c01d51f26ca46676baacf4b5528",
    },
    Artifact {
        path: "examples/valid/latest_state.json",
        bytes: include_bytes!("../v0.2/examples/valid/latest_state.json"),
        sha256: "7ed52cdb05aaef586c2b45d9d6d66bf21ae43d014fb3549beefdf32ee9aca4a8",
    },
    Artifact {
        path: "examples/valid/ledger_entry.json",
        bytes: include_bytes!("../v0.2/examples/valid/ledger_entry.json"),
        sha256: "5c146dddee0f2124cbc987e5b4a6b898ee1e0c3e4ca784a7d5983f3c4c197b3c",
    },
    Artifact {
        path: "examples/valid/reason_codes.json",
        bytes: include_bytes!("../v0.2/examples/valid/reason_codes.json"),
        sha256: "5aeb692a397742fc0a4b74e1e6599ac6b4444b900d56967f59998c0895d2067d",
    },
    Artifact {
        path: "examples/valid/run_manifest.json",
        bytes: include_bytes!("../v0.2/examples/valid/run_manifest.json"),
        sha256: "80aca784b05f954ce367f9839d2d61bb6bd1a95bc9a5491d4df121a3cf4de36e",
    },
    Artifact {
        path: "examples/valid/state_space.json",
        bytes: include_bytes!("../v0.2/examples/valid/state_space.json"),
        sha256: "2677df60ef23b11835296551283b5c2e329cf1116df8dd179850a305441e9c6d",
    },
    Artifact {
        path: "reason_codes.json",
        bytes: include_bytes!("../v0.2/reason_codes.json"),
        sha256: "5aeb692a397742fc0a4b74e1e6599ac6b4444b900d56967f59998c0895d2067d",
    },
    Artifact {
        path: "registry.json",
        bytes: include_bytes!("../v0.2/registry.json"),
        sha256: "a38c65564c7ddbfdc4aa266a36d9026b8093a318145e27b9ab3a5f159460745e",
    },
    Artifact {
        path: "schemas/common.schema.json",
        bytes: include_bytes!("../v0.2/schemas/common.schema.json"),
        sha256: "b99a4ea71ad43e2a4d9098652c6fa232ffaf885d88087ff208d33dcc4c6527d4",
    },
    Artifact {
        path: "schemas/evidence_capsule.schema.json",
        bytes: include_bytes!("../v0.2/schemas/evidence_capsule.schema.json"),
        sha256: "712bf373b8922b346ac3076498ed6f3e279e1f0bf5fa4eccdba77afa443ba3da",
    },
    Artifact {
        path: "schemas/gate_decision.schema.json",
        bytes: include_bytes!("../v0.2/schemas/gate_decision.schema.json"),
        sha256: "eb83bcc3035ccd94f8ff694a35749278c93d335393523abc03a08f9673371304",
    },
    Artifact {
        path: "schemas/guard.schema.json",
        bytes: include_bytes!("../v0.2/schemas/guard.schema.json"),
        sha256: "14c21802a4a7d963a590fe5cc1b23bb3ed0e823736e1b1f7e161b8052d0cfd8c",
    },
    Artifact {
        path: "schemas/guardrails_bundle.schema.json",
        bytes: include_bytes!("../v0.2/schemas/guardrails_bundle.schema.json"),
        sha256: "20065f00abd49c50d46f755e8b4047e7c0baf7d0f9ded91edffd6e4b6a67addc",
    },
    Artifact {
        path: "schemas/helper_event.schema.json",
        bytes: include_bytes!("../v0.2/schemas/helper_event.schema.json"),
        sha256: "6ae601484ab0f515db1478ccb978d0df24d434153154a5d40d8345663b8b9c80",
    },
    Artifact {
        path: "schemas/latest_state.schema.json",
        bytes: include_bytes!("../v0.2/schemas/latest_state.schema.json"),
        sha256: "b08812cc0c89e8ec5b7c3fa93d533f1ada373ccafb8eb0acc548fabf52d79d31",
    },
    Artifact {
        path: "schemas/ledger_entry.schema.json",
        bytes: include_bytes!("../v0.2/schemas/ledger_entry.schema.json"),
        sha256: "98892341a17aedaef287f782d3d016ce4919d80098aa9c5cc93dd679e5798457",
    },
    Artifact {
        path: "schemas/meta.schema.json",
        bytes: include_bytes!("../v0.2/schemas/meta.schema.json"),
        sha256: "443ca31c8f4509be4726fa0c68e7cfee4e02c83c8358cbcf35611f133456540b",
    },
    Artifact {
        path: "schemas/reason_codes.schema.json",
        bytes: include_bytes!("../v0.2/schemas/reason_codes.schema.json"),
        sha256: "dfe1e0a51d75ff7760ec84c591de25cf25b10f0a7a16e4aa1869862073878938",
    },
    Artifact {
        path: "schemas/run_manifest.schema.json",
        bytes: include_bytes!("../v0.2/schemas/run_manifest.schema.json"),
        sha256: "2cec7a01b1773f2b632e6d20bac0dc654a12fc8a53076f512f21b86c49c0b5ef",
    },
    Artifact {
        path: "schemas/state_space.schema.json",
        bytes: include_bytes!("../v0.2/schemas/state_space.schema.json"),
        sha256: "ee4dbb4044150b68c65a9f1a011063cc7bb17550d6690d6ada4c4014375ae3e1",
    },
];
