//! One suite for every wire: the same cases over every shape and every client, on a network within
//! the process, where time stands still, and over real sockets.
//!
//! A case is a function of a [`Rig`](rig::Rig): it says what the service does, calls it, and looks
//! at both ends. It runs on each of the [ways](ways::Way); where it fails, the message names them.
//! What cannot be on a way stands in `ways.rs`, with its reason.

mod cancelling;
mod compression;
mod deadlines;
mod duplex;
mod errors;
mod limits;
mod metadata;
mod meter;
mod pressure;
mod rest;
mod rest_answer;
pub(crate) mod rig;
pub(crate) mod service;
mod sockets;
mod values;
pub(crate) mod ways;

/// Makes two tests of each case.
macro_rules! cases {
    ($(mod $module:ident { $($case:ident),* $(,)? })*) => {
        const CASES: &[&str] = &[$($(stringify!($case)),*),*];

        mod memory {
            $(mod $module {
                $(#[tokio::test(start_paused = true)]
                async fn $case() {
                    use super::super::*;
                    rig::over_memory(stringify!($case), $module::$case).await;
                })*
            })*
        }

        mod tcp {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    use super::super::*;
                    rig::over_sockets(stringify!($case), $module::$case).await;
                })*
            })*
        }
    };
}

cases! {
    mod values {
        every_kind_of_field_arrives,
        an_empty_message_arrives,
        large_messages_arrive,
        no_message_at_all_is_a_stream_too,
        ten_thousand_messages_arrive_in_their_order,
    }
    mod errors {
        a_variant_before_the_first_message,
        a_variant_in_the_middle_of_a_stream,
        every_code_arrives,
        details_arrive,
        a_message_in_any_letters_arrives,
        what_a_callee_said_is_not_told,
        a_panic_is_one_failed_call,
        a_panic_in_the_middle_of_a_stream_ends_it,
        a_method_that_fails_need_not_read,
        a_request_that_breaks_is_not_taken_for_a_whole_one,
    }
    mod metadata {
        headers_of_a_request_arrive,
        headers_and_trailers_of_an_answer_arrive,
        trailers_may_be_set_while_messages_go_out,
        a_failure_carries_them_too,
        a_failure_in_the_middle_carries_trailers_too,
        a_callees_metadata_are_not_those_of_the_answer,
    }
    mod deadlines {
        a_call_without_an_answer_ends_at_its_deadline,
        a_stream_ends_at_its_deadline,
        a_request_without_an_end_ends_at_its_deadline,
        the_service_knows_what_time_is_left,
        the_next_service_knows_it_too,
        a_call_past_its_deadline_is_not_begun,
    }
    mod cancelling {
        a_dropped_call_is_cancelled,
        a_cancelled_context_ends_its_call_and_the_service,
        a_cancelled_context_ends_its_stream_and_the_service,
        a_dropped_stream_is_cancelled,
        a_dropped_stream_lets_go_of_its_request,
        a_stream_that_was_read_to_its_end_is_over,
        a_layer_holds_on_until_the_last_message,
    }
    mod compression {
        what_compresses_well_is_compressed,
        small_and_large_messages_take_turns,
    }
    mod limits {
        a_request_above_the_limit_is_refused,
        an_answer_above_the_limit_is_refused,
        a_limit_is_for_a_message_and_not_for_a_stream,
        too_many_headers_of_a_request_are_refused,
        too_many_headers_of_an_answer_are_refused,
    }
    mod pressure {
        a_slow_reader_stops_the_service,
        a_slow_service_stops_its_caller,
    }
    mod duplex {
        messages_go_to_and_fro,
        the_service_goes_on_after_its_caller_has_ended,
        the_service_may_end_first,
    }
}
