use super::*;

const LOCK: &str = "\
service shop.v1.Shop

method Place
  takes shop.v1.Order
  gives shop.v1.Receipt
  fails ShopError
  idempotent
  route POST /v1/orders

method Watch
  takes shop.v1.Order
  gives stream shop.v1.Receipt

errors ShopError
  CLOSED unavailable
  TOO_MANY out_of_range shop.v1.ShopError.TooMany

message shop.v1.Order
  1 id uint64
  2 note string
  3 count uint32
  4 card string oneof payment
  reserved 9
  reserved weight

message shop.v1.Receipt
  1 total sint64

enum shop.v1.State
  0 STATE_UNSPECIFIED
  1 STATE_PAID
  2 STATE_SHIPPED
";

/// What is said when each `from` in the lock is `to`.
fn changed(edits: &[(&str, &str)]) -> Changes {
    let mut text = LOCK.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from:?} is not in the lock");
        text = text.replace(from, to);
    }
    let read = |text: &str| Section::parse(text).unwrap().remove(0);
    Changes::between(&read(LOCK), &read(&text))
}

#[test]
fn nothing_is_said_of_nothing() {
    assert!(changed(&[]).is_empty());
}

#[test]
fn what_breaks_peers_is_told_with_how_to_mend_it() {
    for (edits, sentences) in [
        // Two fields change places.
        (
            &[("2 note", "3 note"), ("3 count", "2 count")][..],
            &[
                "message shop.v1.Order: note was number 2 and is 3, and peers know it by the number. Numbers follow the order of declaration: put it back, or before it #[field(2)]",
                "message shop.v1.Order: count was number 3 and is 2, and peers know it by the number. Numbers follow the order of declaration: put it back, or before it #[field(3)]",
            ][..],
        ),
        (
            &[("1 STATE_PAID", "2 STATE_PAID"), ("2 STATE_SHIPPED", "1 STATE_SHIPPED")],
            &[
                "enum shop.v1.State: STATE_PAID was number 1 and is 2, and peers know it by the number. Numbers follow the order of declaration: put it back, or write its number behind it: `= 1`",
                "enum shop.v1.State: STATE_SHIPPED was number 2 and is 1, and peers know it by the number. Numbers follow the order of declaration: put it back, or write its number behind it: `= 2`",
            ],
        ),
        // A field is removed, and the ones after it move up.
        (
            &[("  2 note string\n", ""), ("3 count", "2 count")],
            &[
                "message shop.v1.Order: note (number 2) is gone, and something else may get its number. Keep number and name from that: #[kitfox::message(reserved(2, \"note\"))]",
                "message shop.v1.Order: count was number 3 and is 2, and peers know it by the number. Numbers follow the order of declaration: put it back, or before it #[field(3)]",
            ],
        ),
        (
            &[("  2 STATE_SHIPPED\n", "")],
            &[
                "enum shop.v1.State: STATE_SHIPPED (number 2) is gone, and something else may get its number. Keep number and name from that: #[kitfox::message(reserved(2, \"STATE_SHIPPED\"))]",
            ],
        ),
        (
            &[("2 note", "2 remark")],
            &[
                "message shop.v1.Order: note is called remark now, and JSON knows it by the name. Keep it on the wire: #[field(name = \"note\")]",
            ],
        ),
        (
            &[("STATE_PAID", "STATE_DONE")],
            &[
                "enum shop.v1.State: STATE_PAID is called STATE_DONE now, and JSON knows it by the name. Keep it on the wire: #[value(name = \"STATE_PAID\")]",
            ],
        ),
        (
            &[("count uint32", "count uint64")],
            &[
                "message shop.v1.Order: count was `uint32` and is `uint64`, which peers read wrongly or not at all. Leave it as it was, and give what is new a field of its own",
            ],
        ),
        (
            &[("count uint32", "count repeated uint32")],
            &[
                "message shop.v1.Order: count was `uint32` and is `repeated uint32`, which peers read wrongly or not at all. Leave it as it was, and give what is new a field of its own",
            ],
        ),
        (
            &[("note string", "note string json remark")],
            &[
                "message shop.v1.Order: note was `string` and is `string json remark`, which peers read wrongly or not at all. Leave it as it was, and give what is new a field of its own",
            ],
        ),
        (
            &[("note string", "note string oneof payment")],
            &[
                "message shop.v1.Order: note was `string` and is `string oneof payment`, which peers read wrongly or not at all. Leave it as it was, and give what is new a field of its own",
            ],
        ),
        (
            &[("  reserved 9\n", "")],
            &[
                "message shop.v1.Order: 9 is no longer reserved, and peers may still know what it was. Leave it reserved",
            ],
        ),
        (
            &[("method Watch", "method Look")],
            &[
                "method Watch is called Look now: callers know the old name. Keep it on the wire: #[endpoint(name = \"Watch\")]",
            ],
        ),
        (
            &[("method Watch\n  takes shop.v1.Order\n  gives stream shop.v1.Receipt\n", "")],
            &["method Watch is gone: who calls it is answered `unimplemented`"],
        ),
        (
            &[("gives stream", "gives")],
            &[
                "method Watch gave stream shop.v1.Receipt and gives shop.v1.Receipt: callers of the old one are not understood. Make it another method, or a field of the old message",
            ],
        ),
        (
            &[("  fails ShopError\n", "")],
            &[
                "method Place failed with the errors of ShopError and fails with those of no domain: callers of the old one are not understood. Make it another method, or a field of the old message",
            ],
        ),
        (
            &[("  idempotent\n", "")],
            &[
                "method Place was `idempotent` and is no longer: there are peers that call it again after a failure",
            ],
        ),
        (
            &[("  idempotent\n", "  idempotency_key\n")],
            &[
                "method Place was `idempotent` and is no longer: there are peers that call it again after a failure",
            ],
        ),
        (
            &[("POST /v1/orders", "PUT /v1/orders")],
            &[
                "method Place has lost its route POST /v1/orders: who calls it gets a 404. A method may have several routes, keep the old one beside the new",
            ],
        ),
        (
            &[("  CLOSED unavailable\n", "")],
            &[
                "errors ShopError: CLOSED is gone, and there are callers that wait for it. Keep the variant, under #[deprecated] if it is no longer given; a renamed one keeps its name by #[code(.., reason = \"CLOSED\")]",
            ],
        ),
        (
            &[("CLOSED unavailable", "CLOSED not_found")],
            &[
                "errors ShopError: the code of CLOSED was unavailable and is not_found, and callers decide by the code. Make it a variant of its own",
            ],
        ),
        (
            &[("CLOSED unavailable", "CLOSED unavailable shop.v1.ShopError.Closed")],
            &[
                "errors ShopError: CLOSED has fields now, which older services do not send, so that their CLOSED is not known any more. Make it a variant of its own",
            ],
        ),
        (
            &[(" shop.v1.ShopError.TooMany", "")],
            &[
                "errors ShopError: TOO_MANY has lost its fields, without which older callers do not know it. Make it a variant of its own",
            ],
        ),
        (
            &[("shop.v1.ShopError.TooMany", "shop.v1.TooMany")],
            &[
                "errors ShopError: the fields of TOO_MANY were in shop.v1.ShopError.TooMany and are in shop.v1.TooMany. Leave the domain and the variant their names",
            ],
        ),
    ] {
        let breaking = changed(edits).breaking;
        assert_eq!(breaking, sentences, "{edits:?}");
    }
}

#[test]
fn what_breaks_nobody_is_only_not_written_down() {
    for (edits, sentences) in [
        (
            &[("  3 count uint32\n", "  3 count uint32\n  5 gift bool\n")][..],
            &["message shop.v1.Order: gift (number 5) is new"][..],
        ),
        (
            &[("  2 STATE_SHIPPED\n", "  2 STATE_SHIPPED\n  3 STATE_LOST\n")],
            &["enum shop.v1.State: STATE_LOST (number 3) is new"],
        ),
        (
            &[("note string", "note optional string")],
            &["message shop.v1.Order: note was `string` and is `optional string`"],
        ),
        (
            &[
                ("  2 note string\n", ""),
                ("  reserved 9\n", "  reserved 9\n  reserved 2\n  reserved note\n"),
            ],
            &[
                "message shop.v1.Order: note is gone, and its number and name are reserved",
                "message shop.v1.Order: 2 is reserved now",
                "message shop.v1.Order: note is reserved now",
            ],
        ),
        (
            &[
                ("  2 note string\n", ""),
                ("  reserved 9\n", "  reserved 9\n  reserved 2..=2\n  reserved note\n"),
            ],
            &[
                "message shop.v1.Order: note is gone, and its number and name are reserved",
                "message shop.v1.Order: 2..=2 is reserved now",
                "message shop.v1.Order: note is reserved now",
            ],
        ),
        (&[("  idempotent\n", "  safe\n")], &["method Place is `safe` now"]),
        (
            &[("  route POST", "  route PUT /v1/orders/{id}\n  route POST")],
            &["method Place has a new route, PUT /v1/orders/{id}"],
        ),
        (
            &[("  CLOSED unavailable\n", "  CLOSED unavailable\n  GONE not_found\n")],
            &["errors ShopError: GONE is new"],
        ),
        (
            &[(
                "message shop.v1.Receipt",
                "method Ask\n  takes shop.v1.Order\n\nmessage shop.v1.Receipt",
            )],
            &["method Ask is new"],
        ),
        (
            &[("enum shop.v1.State", "enum shop.v1.Color")],
            &["enum shop.v1.State is no longer mentioned", "enum shop.v1.Color is new"],
        ),
    ] {
        let changes = changed(edits);
        assert_eq!(changes.breaking, Vec::<String>::new(), "{edits:?}");
        assert_eq!(changes.compatible, sentences, "{edits:?}");
    }
}
