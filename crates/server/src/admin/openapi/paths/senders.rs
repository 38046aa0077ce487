//! `/numbers` and `/blocks`.

use model::error::ErrorCode;
use serde_json::{Value, json};

use super::super::admin_path;
use super::super::parts::{of_account, pages, sender};
use super::super::schemas::block_kind;
use openapi::operation::Operation;
use openapi::parts::{id, page_of, query, reference, required_query};

pub(super) fn all() -> Vec<Operation> {
    vec![list(), create(), show(), change(), blocks(), blocks_of_number(), block(), unblock()]
}

const SENDERS: &str = "Senders";

fn list() -> Operation {
    let about = (SENDERS, "List senders", "Numbers, short codes and names, each in their order.");
    Operation::new("get", admin_path!("/numbers"), "listNumbers", about)
        .parameters([of_account()])
        .parameters(pages())
        .answers(200, "A page of senders.", &page_of("Number"))
}

fn create() -> Operation {
    let about = (SENDERS, "Create a sender", "Names that differ only in case are the same.");
    Operation::new("post", admin_path!("/numbers"), "createNumber", about)
        .json("NewNumber", &json!({ "number": "72345", "segmentsPerSecond": 10 }))
        .answers(201, "The sender.", &reference("Number"))
        .codes([ErrorCode::MissingRequiredField, ErrorCode::InvalidPhoneNumber])
}

fn show() -> Operation {
    let about = (SENDERS, "Get a sender", "With its account, its state and its pace.");
    Operation::new("get", admin_path!("/numbers/{number}"), "getNumber", about)
        .parameters([sender()])
        .answers(200, "The sender.", &reference("Number"))
        .of_one()
}

fn change() -> Operation {
    let about = (SENDERS, "Change a sender", "Absent fields do not change.");
    Operation::new("patch", admin_path!("/numbers/{number}"), "changeNumber", about)
        .parameters([sender()])
        .optional_json("NumberChange", &json!({ "state": "active", "segmentsPerSecond": null }))
        .answers(200, "The sender.", &reference("Number"))
        .of_one()
}

const BLOCKS: &str = "Blocks";

fn blocks() -> Operation {
    let about = (BLOCKS, "List blocks", "Of all accounts, unless `accountId` names one.");
    Operation::new("get", admin_path!("/blocks"), "listBlocks", about)
        .parameters([query("kind", "Only blocks of this kind.", &block_kind()), of_account()])
        .parameters(pages())
        .answers(200, "A page of blocks.", &page_of("Block"))
}

fn blocks_of_number() -> Operation {
    let about = (BLOCKS, "List the blocks of a number", "For one account each, or for all accounts.");
    Operation::new("get", admin_path!("/blocks/{number}"), "listBlocksOfNumber", about)
        .parameters([sender()])
        .answers(200, "The blocks.", &page_of("Block"))
        .of_one()
}

fn block() -> Operation {
    let about = (BLOCKS, "Block a recipient or a sender", "A repeat replaces the reason.");
    Operation::new("put", admin_path!("/blocks/{number}"), "putBlock", about)
        .parameters([sender()])
        .json("NewBlock", &json!({ "kind": "recipient", "reason": "asked by letter" }))
        .answers(200, "The block.", &reference("Block"))
        .codes([ErrorCode::MissingRequiredField, ErrorCode::InvalidPhoneNumber])
}

fn unblock() -> Operation {
    let about = (BLOCKS, "Remove a block", "The block of the account in the query, or the block for all accounts.");
    Operation::new("delete", admin_path!("/blocks/{number}"), "deleteBlock", about)
        .parameters([
            sender(),
            required_query("kind", "The kind of the block.", &block_kind()),
            query("accountId", "The account of the block; absent for the block for all accounts.", &id("acc")),
        ])
        .answers_with(204, "The block is removed.", &[], Value::Null)
        .codes([ErrorCode::MissingRequiredField, ErrorCode::InvalidPhoneNumber])
        .of_one()
}
