-- Revision 0001 for sqlite, from the tables by scripts/first_migration.py.

CREATE TABLE audit_checkpoints (
    size INTEGER NOT NULL,
    note TEXT NOT NULL,
    CONSTRAINT pk_audit_checkpoints PRIMARY KEY (size)
);

CREATE TABLE audit_details (
    seq INTEGER NOT NULL,
    salt BLOB NOT NULL,
    body BLOB NOT NULL,
    CONSTRAINT pk_audit_details PRIMARY KEY (seq)
);

CREATE TABLE audit_events (
    seq INTEGER NOT NULL,
    body BLOB NOT NULL,
    leaf_hash BLOB NOT NULL,
    at BIGINT NOT NULL,
    actor_id BIGINT NOT NULL,
    action VARCHAR(60) NOT NULL,
    CONSTRAINT pk_audit_events PRIMARY KEY (seq),
    CONSTRAINT ck_audit_events_body_is_blob CHECK (typeof(body) = 'blob'),
    CONSTRAINT ck_audit_events_leaf_hash_is_blob CHECK (typeof(leaf_hash) = 'blob')
);

CREATE INDEX ix_audit_events_action_audit_events_seq ON audit_events (action, seq);

CREATE INDEX ix_audit_events_actor_id_audit_events_seq ON audit_events (actor_id, seq);

CREATE TABLE audit_head (
    id INTEGER NOT NULL,
    size BIGINT NOT NULL,
    peaks BLOB NOT NULL,
    CONSTRAINT pk_audit_head PRIMARY KEY (id)
);

CREATE TABLE audit_subjects (
    kind VARCHAR(1) NOT NULL,
    "key" BIGINT NOT NULL,
    seq INTEGER NOT NULL,
    CONSTRAINT pk_audit_subjects PRIMARY KEY (kind, "key", seq)
)
 WITHOUT ROWID;

CREATE INDEX ix_audit_subjects_seq ON audit_subjects (seq);

CREATE TABLE audit_tiles (
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    earliest BIGINT NOT NULL,
    latest BIGINT NOT NULL,
    CONSTRAINT pk_audit_tiles PRIMARY KEY (number)
);

CREATE TABLE chart_numbers (
    id INTEGER NOT NULL,
    next BIGINT NOT NULL,
    CONSTRAINT pk_chart_numbers PRIMARY KEY (id)
);

CREATE TABLE dicom_series (
    id INTEGER NOT NULL,
    shelf BIGINT NOT NULL,
    study_uid TEXT NOT NULL,
    series_uid TEXT NOT NULL,
    modality TEXT NOT NULL,
    instances INTEGER NOT NULL,
    size BIGINT NOT NULL,
    CONSTRAINT pk_dicom_series PRIMARY KEY (id),
    CONSTRAINT uq_dicom_series_shelf_series_uid UNIQUE (shelf, series_uid)
);

CREATE INDEX ix_dicom_series_study_uid ON dicom_series (study_uid);

CREATE TABLE job_nodes (
    node TEXT NOT NULL,
    beats BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    CONSTRAINT pk_job_nodes PRIMARY KEY (node)
);

CREATE TABLE jobs (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    batch_group TEXT NOT NULL,
    priority INTEGER NOT NULL,
    ids JSON NOT NULL,
    state TEXT NOT NULL,
    lead_id INTEGER,
    run_key BIGINT,
    generation INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    deaths INTEGER NOT NULL,
    node TEXT,
    done BIGINT NOT NULL,
    total BIGINT NOT NULL,
    error_code TEXT,
    cancel_asked BOOLEAN DEFAULT 0 NOT NULL,
    not_before BIGINT,
    enqueued_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    CONSTRAINT fk_jobs_lead_id_jobs FOREIGN KEY(lead_id) REFERENCES jobs (id) ON DELETE CASCADE
);

CREATE INDEX ix_jobs_finished ON jobs (finished_at);

CREATE INDEX ix_jobs_lead ON jobs (lead_id) WHERE lead_id IS NOT NULL;

CREATE INDEX ix_jobs_running ON jobs (node) WHERE state = 'running';

CREATE INDEX ix_jobs_waiting ON jobs (priority DESC, id) WHERE state = 'queued';

CREATE INDEX ix_jobs_waiting_group ON jobs (batch_group, name, id) WHERE state = 'queued';

CREATE TABLE links (
    id BIGINT NOT NULL,
    record_id BIGINT NOT NULL,
    version INTEGER NOT NULL,
    rendition VARCHAR(40) NOT NULL,
    issuer_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    max_uses INTEGER,
    uses INTEGER NOT NULL,
    revoked_at BIGINT,
    CONSTRAINT pk_links PRIMARY KEY (id)
);

CREATE INDEX ix_links_expires_at ON links (expires_at);

CREATE INDEX ix_links_issuer_id ON links (issuer_id);

CREATE INDEX ix_links_record_id ON links (record_id);

CREATE TABLE notices (
    id BIGINT NOT NULL,
    kind VARCHAR(40) NOT NULL,
    code VARCHAR(60) NOT NULL,
    record_id BIGINT,
    patient_key BIGINT,
    uploader_id BIGINT NOT NULL,
    access_level VARCHAR(10) NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT pk_notices PRIMARY KEY (id)
);

CREATE INDEX ix_notices_uploader ON notices (uploader_id, id);

CREATE TABLE patient_quotas (
    patient_key INTEGER NOT NULL,
    used BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    CONSTRAINT pk_patient_quotas PRIMARY KEY (patient_key),
    CONSTRAINT ck_patient_quotas_counted CHECK (used >= 0 AND reserved >= 0)
);

CREATE TABLE patients (
    "key" BIGINT NOT NULL,
    id VARCHAR(20) NOT NULL,
    family_name TEXT NOT NULL,
    given_name TEXT NOT NULL,
    sort_name VARCHAR(220) NOT NULL,
    birth_date DATE,
    sex VARCHAR(10) NOT NULL,
    phone TEXT NOT NULL,
    email TEXT NOT NULL,
    address JSON NOT NULL,
    alerts JSON NOT NULL,
    note TEXT NOT NULL,
    is_archived BOOLEAN NOT NULL,
    quota_bytes BIGINT,
    created_at BIGINT NOT NULL,
    revision INTEGER NOT NULL,
    CONSTRAINT pk_patients PRIMARY KEY ("key"),
    CONSTRAINT uq_patients_id UNIQUE (id)
);

CREATE INDEX ix_patients_is_archived_patients_sort_name_patients_key ON patients (is_archived, sort_name, "key");

CREATE TABLE accounts (
    id BIGINT NOT NULL,
    email TEXT NOT NULL,
    email_key VARCHAR(254) NOT NULL,
    display_name TEXT NOT NULL,
    role VARCHAR(10) NOT NULL,
    patient_key BIGINT,
    password_hash TEXT,
    is_enabled BOOLEAN NOT NULL,
    must_change_password BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    revision INTEGER NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT ck_accounts_patient_of_patient CHECK ((role = 'patient') = (patient_key IS NOT NULL)),
    CONSTRAINT uq_accounts_email_key UNIQUE (email_key),
    CONSTRAINT fk_accounts_patient_key_patients FOREIGN KEY(patient_key) REFERENCES patients ("key")
);

CREATE INDEX ix_accounts_patient_key ON accounts (patient_key);

CREATE TABLE assignments (
    id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    patient_key BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    until_at BIGINT,
    created_by BIGINT NOT NULL,
    CONSTRAINT pk_assignments PRIMARY KEY (id),
    CONSTRAINT fk_assignments_account_id_accounts FOREIGN KEY(account_id) REFERENCES accounts (id),
    CONSTRAINT fk_assignments_patient_key_patients FOREIGN KEY(patient_key) REFERENCES patients ("key")
);

CREATE INDEX ix_assignments_account_id_assignments_patient_key_assignments_from_at_assignments_until_at ON assignments (account_id, patient_key, from_at, until_at);

CREATE INDEX ix_assignments_patient_key_assignments_account_id ON assignments (patient_key, account_id);

CREATE UNIQUE INDEX uq_assignments_open ON assignments (account_id, patient_key) WHERE until_at IS NULL;

CREATE TABLE cases (
    id BIGINT NOT NULL,
    patient_key BIGINT NOT NULL,
    kind VARCHAR(20) NOT NULL,
    title TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    closed_at BIGINT,
    revision INTEGER NOT NULL,
    CONSTRAINT pk_cases PRIMARY KEY (id),
    CONSTRAINT fk_cases_patient_key_patients FOREIGN KEY(patient_key) REFERENCES patients ("key")
);

CREATE INDEX ix_cases_patient_key_cases_id ON cases (patient_key, id);

CREATE TABLE patient_words (
    word VARCHAR(60) NOT NULL,
    patient_key BIGINT NOT NULL,
    CONSTRAINT pk_patient_words PRIMARY KEY (word, patient_key),
    CONSTRAINT fk_patient_words_patient_key_patients FOREIGN KEY(patient_key) REFERENCES patients ("key")
)
 WITHOUT ROWID;

CREATE INDEX ix_patient_words_patient_key ON patient_words (patient_key);

CREATE TABLE policies (
    name VARCHAR(60) NOT NULL,
    value JSON NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by BIGINT NOT NULL,
    CONSTRAINT pk_policies PRIMARY KEY (name)
);

CREATE TABLE providers (
    id BIGINT NOT NULL,
    name TEXT NOT NULL,
    sort_name VARCHAR(130) NOT NULL,
    discipline TEXT NOT NULL,
    account_id BIGINT,
    is_archived BOOLEAN NOT NULL,
    revision INTEGER NOT NULL,
    CONSTRAINT pk_providers PRIMARY KEY (id),
    CONSTRAINT fk_providers_account_id_accounts FOREIGN KEY(account_id) REFERENCES accounts (id)
);

CREATE INDEX ix_providers_account_id ON providers (account_id);

CREATE TABLE appointments (
    id BIGINT NOT NULL,
    patient_key BIGINT NOT NULL,
    provider_id BIGINT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    status VARCHAR(20) NOT NULL,
    note TEXT NOT NULL,
    revision INTEGER NOT NULL,
    CONSTRAINT pk_appointments PRIMARY KEY (id),
    CONSTRAINT fk_appointments_patient_key_patients FOREIGN KEY(patient_key) REFERENCES patients ("key"),
    CONSTRAINT fk_appointments_provider_id_providers FOREIGN KEY(provider_id) REFERENCES providers (id)
);

CREATE INDEX ix_appointments_patient_key_appointments_starts_at_appointments_id ON appointments (patient_key, starts_at, id);

CREATE INDEX ix_appointments_provider_id_appointments_starts_at_appointments_id ON appointments (provider_id, starts_at, id);

CREATE INDEX ix_appointments_starts_at_appointments_id ON appointments (starts_at, id);

CREATE TABLE quota_reservations (
    id INTEGER NOT NULL,
    patient_key BIGINT NOT NULL,
    size BIGINT NOT NULL,
    state TEXT NOT NULL,
    CONSTRAINT pk_quota_reservations PRIMARY KEY (id)
);

CREATE INDEX ix_quota_reservations_patient_key ON quota_reservations (patient_key);

CREATE TABLE record_folders (
    id INTEGER NOT NULL,
    patient_key BIGINT NOT NULL,
    parent_id BIGINT,
    place BIGINT NOT NULL,
    name TEXT NOT NULL,
    folded_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by BIGINT NOT NULL,
    CONSTRAINT pk_record_folders PRIMARY KEY (id),
    CONSTRAINT uq_record_folders_patient_key_place_folded_name UNIQUE (patient_key, place, folded_name),
    CONSTRAINT fk_record_folders_parent_id_record_folders FOREIGN KEY(parent_id) REFERENCES record_folders (id)
);

CREATE TABLE record_sequences (
    patient_key BIGINT NOT NULL,
    code TEXT NOT NULL,
    "on" DATE NOT NULL,
    last INTEGER NOT NULL,
    CONSTRAINT pk_record_sequences PRIMARY KEY (patient_key, code, "on")
);

CREATE TABLE record_words (
    word TEXT NOT NULL,
    CONSTRAINT pk_record_words PRIMARY KEY (word)
)
 WITHOUT ROWID;

CREATE TABLE records (
    id INTEGER NOT NULL,
    shelf BIGINT NOT NULL,
    is_archived BOOLEAN NOT NULL,
    is_listed BOOLEAN NOT NULL,
    access_level TEXT NOT NULL,
    category TEXT NOT NULL,
    subcategory TEXT,
    status TEXT NOT NULL,
    uploaded_by BIGINT NOT NULL,
    provider_id BIGINT,
    appointment_id BIGINT,
    case_id BIGINT,
    folder_id BIGINT,
    batch_id BIGINT,
    replaces BIGINT,
    original_name TEXT NOT NULL,
    description TEXT NOT NULL,
    modified_at BIGINT NOT NULL,
    archived_at BIGINT,
    tags JSON NOT NULL,
    kind TEXT NOT NULL,
    file_type TEXT NOT NULL,
    extension TEXT NOT NULL,
    file_size BIGINT NOT NULL,
    found JSON NOT NULL,
    said JSON NOT NULL,
    name_code TEXT,
    name_on DATE,
    name_sequence INTEGER,
    status_reason TEXT NOT NULL,
    stopped_at TEXT,
    stages JSON NOT NULL,
    scan JSON,
    identity JSON NOT NULL,
    version INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    CONSTRAINT pk_records PRIMARY KEY (id),
    CONSTRAINT ck_records_shelf CHECK (shelf <> 0),
    CONSTRAINT fk_records_folder_id_record_folders FOREIGN KEY(folder_id) REFERENCES record_folders (id)
);

CREATE INDEX ix_records_appointment_id ON records (appointment_id, is_archived, id) WHERE appointment_id IS NOT NULL;

CREATE INDEX ix_records_batch_id ON records (batch_id, is_archived, id) WHERE batch_id IS NOT NULL;

CREATE INDEX ix_records_case_id ON records (case_id, is_archived, id) WHERE case_id IS NOT NULL;

CREATE INDEX ix_records_category ON records (is_archived, category, id);

CREATE INDEX ix_records_folder_id ON records (folder_id, is_archived, id) WHERE folder_id IS NOT NULL;

CREATE INDEX ix_records_newest ON records (is_archived, id);

CREATE INDEX ix_records_provider_id ON records (is_archived, provider_id, id);

CREATE INDEX ix_records_shelf ON records (shelf, id, is_archived, is_listed, access_level, category, subcategory, status, uploaded_by, provider_id);

CREATE INDEX ix_records_status ON records (is_archived, status, id);

CREATE INDEX ix_records_subcategory ON records (is_archived, subcategory, id);

CREATE INDEX ix_records_uploaded_by ON records (is_archived, uploaded_by, id);

CREATE TABLE dicom_instances (
    record_id INTEGER NOT NULL,
    series_id BIGINT NOT NULL,
    instance_uid TEXT NOT NULL,
    number INTEGER,
    size BIGINT NOT NULL,
    CONSTRAINT pk_dicom_instances PRIMARY KEY (record_id),
    CONSTRAINT fk_dicom_instances_record_id_records FOREIGN KEY(record_id) REFERENCES records (id),
    CONSTRAINT fk_dicom_instances_series_id_dicom_series FOREIGN KEY(series_id) REFERENCES dicom_series (id)
);

CREATE INDEX ix_dicom_instances_instance_uid ON dicom_instances (instance_uid);

CREATE INDEX ix_dicom_instances_order ON dicom_instances (series_id, coalesce(number, 0), record_id);

CREATE TABLE record_history (
    record_id BIGINT NOT NULL,
    revision INTEGER NOT NULL,
    at BIGINT NOT NULL,
    "by" BIGINT NOT NULL,
    fields JSON NOT NULL,
    CONSTRAINT pk_record_history PRIMARY KEY (record_id, revision),
    CONSTRAINT fk_record_history_record_id_records FOREIGN KEY(record_id) REFERENCES records (id)
);

CREATE TABLE record_renditions (
    record_id BIGINT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    content_id BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    width_px INTEGER NOT NULL,
    height_px INTEGER NOT NULL,
    size BIGINT NOT NULL,
    CONSTRAINT pk_record_renditions PRIMARY KEY (record_id, version, name),
    CONSTRAINT fk_record_renditions_record_id_records FOREIGN KEY(record_id) REFERENCES records (id)
);

CREATE INDEX ix_record_renditions_content_id ON record_renditions (content_id);

CREATE TABLE record_tags (
    record_id BIGINT NOT NULL,
    tag TEXT NOT NULL,
    is_archived BOOLEAN NOT NULL,
    shelf BIGINT NOT NULL,
    CONSTRAINT pk_record_tags PRIMARY KEY (record_id, tag),
    CONSTRAINT fk_record_tags_record_id_records FOREIGN KEY(record_id) REFERENCES records (id)
);

CREATE INDEX ix_record_tags_newest ON record_tags (is_archived, tag, record_id);

CREATE INDEX ix_record_tags_shelf ON record_tags (shelf, tag, record_id, is_archived);

CREATE TABLE record_texts (
    record_id INTEGER NOT NULL,
    body TEXT NOT NULL,
    tokens TEXT,
    CONSTRAINT pk_record_texts PRIMARY KEY (record_id),
    CONSTRAINT fk_record_texts_record_id_records FOREIGN KEY(record_id) REFERENCES records (id)
);

CREATE VIRTUAL TABLE record_search USING fts5(
  tokens, content='', contentless_delete=1, detail=none, tokenize="ascii tokenchars ':-'"
);

CREATE TABLE record_versions (
    record_id BIGINT NOT NULL,
    number INTEGER NOT NULL,
    content_id BIGINT NOT NULL,
    sha256 BLOB NOT NULL,
    size BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    kind TEXT NOT NULL,
    extension TEXT NOT NULL,
    stored_at BIGINT NOT NULL,
    uploaded_by BIGINT NOT NULL,
    restored_from INTEGER,
    CONSTRAINT pk_record_versions PRIMARY KEY (record_id, number),
    CONSTRAINT ck_record_versions_number CHECK (number >= 1),
    CONSTRAINT fk_record_versions_record_id_records FOREIGN KEY(record_id) REFERENCES records (id)
);

CREATE INDEX ix_record_versions_content_id ON record_versions (content_id);

CREATE TABLE sessions (
    id BIGINT NOT NULL,
    secret_hash BLOB NOT NULL,
    account_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT uq_sessions_secret_hash UNIQUE (secret_hash),
    CONSTRAINT fk_sessions_account_id_accounts FOREIGN KEY(account_id) REFERENCES accounts (id)
);

CREATE INDEX ix_sessions_account_id ON sessions (account_id);

CREATE INDEX ix_sessions_expires_at ON sessions (expires_at);

CREATE TABLE sign_in_attempts (
    subject BLOB NOT NULL,
    at BIGINT NOT NULL,
    id BIGINT NOT NULL,
    CONSTRAINT pk_sign_in_attempts PRIMARY KEY (subject, at, id)
);

CREATE INDEX ix_sign_in_attempts_at ON sign_in_attempts (at);

CREATE TABLE tokens (
    id BIGINT NOT NULL,
    secret_hash BLOB NOT NULL,
    account_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT pk_tokens PRIMARY KEY (id),
    CONSTRAINT uq_tokens_secret_hash UNIQUE (secret_hash),
    CONSTRAINT fk_tokens_account_id_accounts FOREIGN KEY(account_id) REFERENCES accounts (id)
);

CREATE INDEX ix_tokens_account_id ON tokens (account_id);

CREATE INDEX ix_tokens_expires_at ON tokens (expires_at);

CREATE TABLE upload_batches (
    id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    title TEXT NOT NULL,
    context TEXT NOT NULL,
    files INTEGER NOT NULL,
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_upload_batches PRIMARY KEY (id),
    CONSTRAINT ck_upload_batches_counted CHECK (files >= 0 AND size >= 0)
);

CREATE INDEX ix_upload_batches_account ON upload_batches (account_id, id);

CREATE TABLE uploads (
    id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    content_id BIGINT,
    length BIGINT,
    "offset" BIGINT NOT NULL,
    fields JSON NOT NULL,
    header TEXT NOT NULL,
    concat TEXT NOT NULL,
    patient_key BIGINT,
    batch_id BIGINT,
    batch_size BIGINT NOT NULL,
    epoch INTEGER NOT NULL,
    record_id BIGINT,
    is_forgotten BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT pk_uploads PRIMARY KEY (id),
    CONSTRAINT ck_uploads_within CHECK ("offset" >= 0 AND (length IS NULL OR "offset" <= length)),
    CONSTRAINT fk_uploads_batch_id_upload_batches FOREIGN KEY(batch_id) REFERENCES upload_batches (id),
    CONSTRAINT uq_uploads_record_id UNIQUE (record_id)
);

CREATE INDEX ix_uploads_account ON uploads (account_id, state, id);

CREATE INDEX ix_uploads_batch_id ON uploads (batch_id);

CREATE INDEX ix_uploads_content_id ON uploads (content_id);

CREATE INDEX ix_uploads_expiry ON uploads (state, expires_at);

CREATE TABLE vault_master_key (
    version INTEGER NOT NULL,
    root VARCHAR(200) NOT NULL,
    wrapped BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_vault_master_key PRIMARY KEY (version)
);

CREATE TABLE vault_object (
    name VARCHAR(64) NOT NULL,
    sealed_size BIGINT NOT NULL,
    uses INTEGER NOT NULL,
    condemned_at BIGINT,
    CONSTRAINT pk_vault_object PRIMARY KEY (name),
    CONSTRAINT ck_vault_object_uses_not_negative CHECK (uses >= 0),
    CONSTRAINT ck_vault_object_condemned_if_unused CHECK ((uses = 0) = (condemned_at IS NOT NULL))
);

CREATE INDEX ix_vault_object_condemned ON vault_object (condemned_at) WHERE condemned_at IS NOT NULL;

CREATE TABLE vault_secret (
    name VARCHAR(100) NOT NULL,
    master_version INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    CONSTRAINT pk_vault_secret PRIMARY KEY (name),
    CONSTRAINT fk_vault_secret_master_version_vault_master_key FOREIGN KEY(master_version) REFERENCES vault_master_key (version)
);

CREATE INDEX ix_vault_secret_master_version ON vault_secret (master_version);

CREATE TABLE vault_subject_key (
    id BIGINT NOT NULL,
    subject BIGINT NOT NULL,
    master_version INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_vault_subject_key PRIMARY KEY (id),
    CONSTRAINT uq_vault_subject_key_subject UNIQUE (subject),
    CONSTRAINT fk_vault_subject_key_master_version_vault_master_key FOREIGN KEY(master_version) REFERENCES vault_master_key (version)
);

CREATE INDEX ix_vault_subject_key_master_version ON vault_subject_key (master_version);

CREATE TABLE vault_content (
    id BIGINT NOT NULL,
    subject_key_id BIGINT NOT NULL,
    data_key_id BIGINT NOT NULL,
    size BIGINT NOT NULL,
    part_count INTEGER NOT NULL,
    chain BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_vault_content PRIMARY KEY (id),
    CONSTRAINT fk_vault_content_subject_key_id_vault_subject_key FOREIGN KEY(subject_key_id) REFERENCES vault_subject_key (id)
);

CREATE INDEX ix_vault_content_subject_key_id ON vault_content (subject_key_id);

CREATE TABLE vault_data_key (
    id BIGINT NOT NULL,
    content_id BIGINT NOT NULL,
    wrapped BLOB NOT NULL,
    CONSTRAINT pk_vault_data_key PRIMARY KEY (id),
    CONSTRAINT fk_vault_data_key_content_id_vault_content FOREIGN KEY(content_id) REFERENCES vault_content (id)
);

CREATE INDEX ix_vault_data_key_content_id ON vault_data_key (content_id);

CREATE TABLE vault_part (
    content_id BIGINT NOT NULL,
    position INTEGER NOT NULL,
    object_name VARCHAR(64) NOT NULL,
    data_key_id BIGINT NOT NULL,
    size BIGINT NOT NULL,
    sealed_size BIGINT NOT NULL,
    CONSTRAINT pk_vault_part PRIMARY KEY (content_id, position),
    CONSTRAINT fk_vault_part_content_id_vault_content FOREIGN KEY(content_id) REFERENCES vault_content (id),
    CONSTRAINT fk_vault_part_object_name_vault_object FOREIGN KEY(object_name) REFERENCES vault_object (name),
    CONSTRAINT fk_vault_part_data_key_id_vault_data_key FOREIGN KEY(data_key_id) REFERENCES vault_data_key (id)
);

CREATE INDEX ix_vault_part_data_key_id ON vault_part (data_key_id);

CREATE INDEX ix_vault_part_object_name ON vault_part (object_name);
